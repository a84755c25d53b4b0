-- The first schema, for SQLite. The file of the same name under migrations/postgres says the same in its types.
--
-- Ids are 16 bytes and times are microseconds since 1970 in UTC: both compare and index as what they are, and half the
-- size of text. Tables are STRICT, so that a wrong type is refused where it is written and not where it is read.

-- A name in a collection, over all of its versions. It outlives its deletion until the purge is done, so that the purge
-- knows which files to remove.
CREATE TABLE documents (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    collection TEXT NOT NULL CHECK (collection <> ''),
    name TEXT NOT NULL CHECK (name <> ''),
    -- What the user said, as it is shown and handed to the vector store. No query looks inside.
    metadata TEXT NOT NULL CHECK (json_type(metadata) = 'object'),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- When it was deleted; from then on nothing but the purge sees it.
    deleted_at INTEGER
) STRICT;

-- One living document per name. A name is free again at once after a deletion, which is why deleted rows are left out:
-- the new document gets a new id, and the purge of the old one cannot touch it. Also serves the look-up at an upload.
CREATE UNIQUE INDEX documents_one_per_name ON documents (collection, name) WHERE deleted_at IS NULL;

-- The bytes that were uploaded under a name, and what became of them. Superseded and failed versions stay until the
-- document goes: they say which blobs are still in use.
CREATE TABLE versions (
    document_id BLOB NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    version INTEGER NOT NULL CHECK (version >= 1),
    state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'superseded', 'failed')),
    -- The name of the original in the blob store.
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    -- These three are known once the file has been read.
    media_type TEXT,
    title TEXT,
    pages INTEGER CHECK (pages >= 0),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (document_id, version)
) STRICT, WITHOUT ROWID;

-- At most one version of a document answers questions. Also lists all active versions, for a reindex.
CREATE UNIQUE INDEX versions_one_active ON versions (document_id) WHERE state = 'active';
-- Whether a blob is still in use, before a purge removes it.
CREATE INDEX versions_sha256 ON versions (sha256);

-- Generations of the index.
CREATE TABLE generations (
    number INTEGER NOT NULL PRIMARY KEY CHECK (number >= 1),
    state TEXT NOT NULL CHECK (state IN ('building', 'active', 'retired')),
    -- What the vectors were made with. Compared as a whole by the program, never searched.
    stamp TEXT NOT NULL CHECK (json_type(stamp) = 'object'),
    -- The reindex that builds it; absent for the first. Not a reference: a job is history, a generation is not.
    job_id BLOB CHECK (length(job_id) = 16),
    created_at INTEGER NOT NULL,
    activated_at INTEGER
) STRICT;

-- Exactly one generation answers questions, and one is built at a time.
CREATE UNIQUE INDEX generations_one_active ON generations (state) WHERE state = 'active';
CREATE UNIQUE INDEX generations_one_building ON generations (state) WHERE state = 'building';

-- The last number that was given out. A number is never given again, also not after its generation was forgotten: ids
-- of chunks are derived from it. One row; in Postgres its lock orders commits against the swap, here every writer is
-- alone.
CREATE TABLE generation_counter (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL CHECK (last >= 0)
) STRICT;
INSERT INTO generation_counter (one, last) VALUES (1, 0);

-- That a version has been indexed in a generation. A table of its own and not a look at `chunks`, because a version
-- without any chunk is indexed too.
CREATE TABLE generation_versions (
    generation INTEGER NOT NULL REFERENCES generations (number) ON DELETE CASCADE,
    document_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    -- How many chunks follow, and how many tokens they have, for lists and counts that do not want to read them all.
    chunks INTEGER NOT NULL CHECK (chunks >= 0),
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    PRIMARY KEY (generation, document_id, version),
    FOREIGN KEY (document_id, version) REFERENCES versions (document_id, version) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- All generations of a version, which leave together when it is superseded or deleted.
CREATE INDEX generation_versions_version ON generation_versions (document_id, version);

-- The passages, with all that an answer shows of them: a citation must not depend on the vector store.
CREATE TABLE chunks (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    generation INTEGER NOT NULL,
    document_id BLOB NOT NULL,
    version INTEGER NOT NULL,
    ordinal INTEGER NOT NULL CHECK (ordinal >= 0),
    -- Code points of the extracted text.
    range_start INTEGER NOT NULL CHECK (range_start >= 0),
    range_end INTEGER NOT NULL CHECK (range_end >= range_start),
    -- The passage itself, so that an answer does not read the extracted text of every document that it found.
    text TEXT NOT NULL,
    context TEXT NOT NULL,
    heading_path TEXT NOT NULL CHECK (json_type(heading_path) = 'array'),
    page INTEGER CHECK (page >= 0),
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    FOREIGN KEY (generation, document_id, version)
        REFERENCES generation_versions (generation, document_id, version) ON DELETE CASCADE
) STRICT;

-- The chunks of a version in order, and what removes them with it.
CREATE UNIQUE INDEX chunks_in_order ON chunks (generation, document_id, version, ordinal);

-- The durable queue, and its history.
CREATE TABLE jobs (
    -- A UUIDv7: its order is the order of the queue and of the lists.
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('ingest', 'purge', 'reindex')),
    -- Not a reference: a job that has ended still says what it was about after the document has been forgotten.
    document_id BLOB CHECK (length(document_id) = 16),
    version INTEGER,
    generation INTEGER,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    stage TEXT NOT NULL CHECK (stage IN ('waiting', 'extract', 'chunk', 'embed', 'store', 'swap', 'done')),
    progress REAL NOT NULL CHECK (progress BETWEEN 0 AND 1),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    max_attempts INTEGER NOT NULL CHECK (max_attempts >= 1),
    error TEXT,
    -- Not before this time: later than now for a retry, and for a purge that lets a writer finish first.
    due_at INTEGER NOT NULL,
    -- The lease. After a cancellation both stay, as the last one: until then its holder may still be writing vectors.
    lease_token BLOB CHECK (length(lease_token) = 16),
    lease_expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK (state <> 'running' OR (lease_token IS NOT NULL AND lease_expires_at IS NOT NULL)),
    CHECK (kind <> 'ingest' OR (document_id IS NOT NULL AND version IS NOT NULL)),
    CHECK (kind <> 'purge' OR document_id IS NOT NULL)
) STRICT;

-- What a worker may take, oldest first: small whatever the history holds.
CREATE INDEX jobs_open ON jobs (id) WHERE state IN ('queued', 'running');
-- A version is ingested by one job, which is queued again for a retry: "which job is it" has one answer.
CREATE UNIQUE INDEX jobs_one_per_version ON jobs (document_id, version) WHERE kind = 'ingest';
-- One reindex at a time.
CREATE UNIQUE INDEX jobs_one_open_reindex ON jobs (kind) WHERE kind = 'reindex' AND state IN ('queued', 'running');
-- The jobs of a document, newest last.
CREATE INDEX jobs_document ON jobs (document_id, id);
