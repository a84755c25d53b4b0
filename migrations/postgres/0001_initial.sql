-- The first schema, for Postgres. The file of the same name under migrations/sqlite says the same in its types.
--
-- States are text with a named check and not enum types: a new word is then an ordinary migration inside a transaction.
-- Numbers that are unsigned 32-bit in the program are bigint here, because integer is signed and half as wide.

-- A name in a collection, over all of its versions. It outlives its deletion until the purge is done, so that the purge
-- knows which files to remove.
CREATE TABLE documents (
    id uuid CONSTRAINT documents_id PRIMARY KEY,
    collection text NOT NULL CONSTRAINT documents_collection CHECK (collection <> ''),
    name text NOT NULL CONSTRAINT documents_name CHECK (name <> ''),
    -- What the user said, as it is shown and handed to the vector store. No query looks inside.
    metadata jsonb NOT NULL CONSTRAINT documents_metadata CHECK (jsonb_typeof(metadata) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- When it was deleted; from then on nothing but the purge sees it.
    deleted_at timestamptz
);

-- One living document per name. A name is free again at once after a deletion, which is why deleted rows are left out:
-- the new document gets a new id, and the purge of the old one cannot touch it. Also serves the look-up at an upload,
-- and is what concurrent uploads of one name wait for.
CREATE UNIQUE INDEX documents_one_per_name ON documents (collection, name) WHERE deleted_at IS NULL;

-- The bytes that were uploaded under a name, and what became of them. Superseded and failed versions stay until the
-- document goes: they say which blobs are still in use.
CREATE TABLE versions (
    document_id uuid NOT NULL CONSTRAINT versions_document REFERENCES documents (id) ON DELETE CASCADE,
    version bigint NOT NULL CONSTRAINT versions_version CHECK (version >= 1),
    state text NOT NULL CONSTRAINT versions_state CHECK (state IN ('pending', 'active', 'superseded', 'failed')),
    -- The name of the original in the blob store.
    sha256 text NOT NULL CONSTRAINT versions_sha256_form CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes bigint NOT NULL CONSTRAINT versions_size CHECK (size_bytes >= 0),
    -- These three are known once the file has been read.
    media_type text,
    title text,
    pages bigint CONSTRAINT versions_pages CHECK (pages >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT versions_id PRIMARY KEY (document_id, version)
);

-- At most one version of a document answers questions. Also lists all active versions, for a reindex.
CREATE UNIQUE INDEX versions_one_active ON versions (document_id) WHERE state = 'active';
-- Whether a blob is still in use, before a purge removes it.
CREATE INDEX versions_sha256 ON versions (sha256);

-- Generations of the index.
CREATE TABLE generations (
    number bigint CONSTRAINT generations_id PRIMARY KEY CONSTRAINT generations_number CHECK (number >= 1),
    state text NOT NULL CONSTRAINT generations_state CHECK (state IN ('building', 'active', 'retired')),
    -- What the vectors were made with. Compared as a whole by the program, never searched.
    stamp jsonb NOT NULL CONSTRAINT generations_stamp CHECK (jsonb_typeof(stamp) = 'object'),
    -- The reindex that builds it; absent for the first. Not a reference: a job is history, a generation is not.
    job_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    activated_at timestamptz
);

-- Exactly one generation answers questions, and one is built at a time.
CREATE UNIQUE INDEX generations_one_active ON generations (state) WHERE state = 'active';
CREATE UNIQUE INDEX generations_one_building ON generations (state) WHERE state = 'building';

-- The last number that was given out. A number is never given again, also not after its generation was forgotten: ids
-- of chunks are derived from it. A row and not a sequence, because the first generation must be number 1 also when the
-- transaction that would have made it was rolled back, and because the lock on this row orders commits against the
-- swap: commits share it, the swap has it alone, so that no commit slips between its check and its change.
CREATE TABLE generation_counter (
    one integer CONSTRAINT generation_counter_id PRIMARY KEY CONSTRAINT generation_counter_one CHECK (one = 1),
    last bigint NOT NULL CONSTRAINT generation_counter_last CHECK (last >= 0)
);
INSERT INTO generation_counter (one, last) VALUES (1, 0);

-- That a version has been indexed in a generation. A table of its own and not a look at `chunks`, because a version
-- without any chunk is indexed too.
CREATE TABLE generation_versions (
    generation bigint NOT NULL CONSTRAINT generation_versions_generation
        REFERENCES generations (number) ON DELETE CASCADE,
    document_id uuid NOT NULL,
    version bigint NOT NULL,
    -- How many chunks follow, and how many tokens they have, for lists and counts that do not want to read them all.
    chunks bigint NOT NULL CONSTRAINT generation_versions_chunks CHECK (chunks >= 0),
    tokens bigint NOT NULL CONSTRAINT generation_versions_tokens CHECK (tokens >= 0),
    CONSTRAINT generation_versions_id PRIMARY KEY (generation, document_id, version),
    CONSTRAINT generation_versions_of FOREIGN KEY (document_id, version)
        REFERENCES versions (document_id, version) ON DELETE CASCADE
);

-- All generations of a version, which leave together when it is superseded or deleted.
CREATE INDEX generation_versions_version ON generation_versions (document_id, version);

-- The passages, with all that an answer shows of them: a citation must not depend on the vector store.
CREATE TABLE chunks (
    id uuid CONSTRAINT chunks_id PRIMARY KEY,
    generation bigint NOT NULL,
    document_id uuid NOT NULL,
    version bigint NOT NULL,
    ordinal bigint NOT NULL CONSTRAINT chunks_ordinal CHECK (ordinal >= 0),
    -- Code points of the extracted text.
    range_start bigint NOT NULL,
    range_end bigint NOT NULL,
    -- The passage itself, so that an answer does not read the extracted text of every document that it found.
    text text NOT NULL,
    context text NOT NULL,
    -- jsonb and not text[]: rows arrive as arrays of columns, and unnest would flatten an array of arrays.
    heading_path jsonb NOT NULL CONSTRAINT chunks_heading_path CHECK (jsonb_typeof(heading_path) = 'array'),
    page bigint CONSTRAINT chunks_page CHECK (page >= 0),
    tokens bigint NOT NULL CONSTRAINT chunks_tokens CHECK (tokens >= 0),
    CONSTRAINT chunks_range CHECK (0 <= range_start AND range_start <= range_end),
    CONSTRAINT chunks_of FOREIGN KEY (generation, document_id, version)
        REFERENCES generation_versions (generation, document_id, version) ON DELETE CASCADE
);

-- The chunks of a version in order, and what removes them with it.
CREATE UNIQUE INDEX chunks_in_order ON chunks (generation, document_id, version, ordinal);

-- The durable queue, and its history.
CREATE TABLE jobs (
    -- A UUIDv7: its order is the order of the queue and of the lists.
    id uuid CONSTRAINT jobs_id PRIMARY KEY,
    kind text NOT NULL CONSTRAINT jobs_kind CHECK (kind IN ('ingest', 'purge', 'reindex')),
    -- Not a reference: a job that has ended still says what it was about after the document has been forgotten.
    document_id uuid,
    version bigint,
    generation bigint,
    state text NOT NULL
        CONSTRAINT jobs_state CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    stage text NOT NULL
        CONSTRAINT jobs_stage CHECK (stage IN ('waiting', 'extract', 'chunk', 'embed', 'store', 'swap', 'done')),
    progress real NOT NULL CONSTRAINT jobs_progress CHECK (progress BETWEEN 0 AND 1),
    attempts bigint NOT NULL CONSTRAINT jobs_attempts CHECK (attempts >= 0),
    max_attempts bigint NOT NULL CONSTRAINT jobs_max_attempts CHECK (max_attempts >= 1),
    error text,
    -- Not before this time: later than now for a retry, and for a purge that lets a writer finish first. All times of
    -- the queue are the database's, so that nodes whose clocks differ agree on when a lease ends.
    due_at timestamptz NOT NULL DEFAULT now(),
    -- The lease. After a cancellation both stay, as the last one: until then its holder may still be writing vectors.
    lease_token uuid,
    lease_expires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT jobs_lease
        CHECK (state <> 'running' OR (lease_token IS NOT NULL AND lease_expires_at IS NOT NULL)),
    CONSTRAINT jobs_ingest CHECK (kind <> 'ingest' OR (document_id IS NOT NULL AND version IS NOT NULL)),
    CONSTRAINT jobs_purge CHECK (kind <> 'purge' OR document_id IS NOT NULL)
);

-- What a worker may take, oldest first: small whatever the history holds.
CREATE INDEX jobs_open ON jobs (id) WHERE state IN ('queued', 'running');
-- A version is ingested by one job, which is queued again for a retry: "which job is it" has one answer.
CREATE UNIQUE INDEX jobs_one_per_version ON jobs (document_id, version) WHERE kind = 'ingest';
-- One reindex at a time.
CREATE UNIQUE INDEX jobs_one_open_reindex ON jobs (kind) WHERE kind = 'reindex' AND state IN ('queued', 'running');
-- The jobs of a document, newest last.
CREATE INDEX jobs_document ON jobs (document_id, id);
