-- Conversations, questions that were not answered, and outcomes on their way to webhooks.
--
-- Nothing of a question is stored unless a conversation was asked for, or a rule of the operator says so.

-- Questions that follow each other.
CREATE TABLE conversations (
    -- A UUIDv7: its order is the order of the lists.
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    collection TEXT NOT NULL CHECK (collection <> ''),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- What was asked in a conversation and what came back. Only the purge of a document changes a row: it takes out what
-- rested on that document alone.
CREATE TABLE turns (
    conversation_id BLOB NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 1),
    answer_id BLOB NOT NULL CHECK (length(answer_id) = 16),
    -- As it is shown and handed to the next question. No query looks inside.
    turn TEXT NOT NULL CHECK (json_type(turn) = 'object'),
    -- Which stretch of the answer which document carries.
    cited TEXT NOT NULL CHECK (json_type(cited) = 'array'),
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    actions TEXT NOT NULL CHECK (json_type(actions) = 'array'),
    model TEXT NOT NULL CHECK (json_type(model) = 'object'),
    asked_at INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, number)
) STRICT, WITHOUT ROWID;

-- The documents that a turn's words may come from: those it cites, those whose readings it offers, and those of the
-- turns before it where it leans on them. A table and not a look into `turn`, because a purge asks for the turns of a
-- document.
CREATE TABLE turn_documents (
    -- Not a reference: the purge of the document takes the row away when it has changed the turn.
    document_id BLOB NOT NULL CHECK (length(document_id) = 16),
    conversation_id BLOB NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (document_id, conversation_id, number),
    FOREIGN KEY (conversation_id, number) REFERENCES turns (conversation_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The documents of a turn, which leave with it.
CREATE INDEX turn_documents_turn ON turn_documents (conversation_id, number);

-- Questions that a rule keeps for the owners of the documents. Not part of `turns`: most are asked outside of
-- conversations.
CREATE TABLE unanswered (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    answer_id BLOB NOT NULL CHECK (length(answer_id) = 16),
    conversation_id BLOB REFERENCES conversations (id) ON DELETE CASCADE,
    collection TEXT NOT NULL CHECK (collection <> ''),
    question TEXT NOT NULL CHECK (question <> ''),
    -- NULL where it is the user's own words, and when it may hold words of a document that was deleted.
    interpreted TEXT,
    -- The question without what does not matter: the same for the same question.
    asked_as TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('answered', 'partial', 'abstained', 'clarify', 'blocked')),
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    -- Ids and scores: names are looked up when they are shown, so that a deleted document leaves none here.
    nearest TEXT NOT NULL CHECK (json_type(nearest) = 'array'),
    -- The question's dense vector, little-endian 32-bit, and what made it: others cannot be compared with it.
    embedder TEXT NOT NULL CHECK (embedder <> ''),
    vector BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'answered', 'dismissed')),
    asked_at INTEGER NOT NULL,
    -- When it ceased to be open.
    settled_at INTEGER,
    CHECK ((state = 'open') = (settled_at IS NULL))
) STRICT;

-- What the owners of a collection have to look at, newest first.
CREATE INDEX unanswered_open ON unanswered (collection, id) WHERE state = 'open';
-- The open entries of a question that was answered now.
CREATE INDEX unanswered_asked_as ON unanswered (collection, asked_as) WHERE state = 'open';
-- What leaves with a conversation.
CREATE INDEX unanswered_conversation ON unanswered (conversation_id);

-- The queue learns a kind of job. SQLite cannot change a check, so the table is made anew. A delivery is a job like the
-- others: leased, repeated, listed, cancelled and retried by the same code.
CREATE TABLE jobs_next (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    kind TEXT NOT NULL CHECK (kind IN ('ingest', 'purge', 'reindex', 'deliver')),
    document_id BLOB CHECK (length(document_id) = 16),
    version INTEGER,
    generation INTEGER,
    -- The webhook that a delivery goes to, by its name in the rules.
    webhook TEXT,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    stage TEXT NOT NULL
        CHECK (stage IN ('waiting', 'extract', 'chunk', 'embed', 'store', 'swap', 'deliver', 'done')),
    progress REAL NOT NULL CHECK (progress BETWEEN 0 AND 1),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    max_attempts INTEGER NOT NULL CHECK (max_attempts >= 1),
    error TEXT,
    due_at INTEGER NOT NULL,
    lease_token BLOB CHECK (length(lease_token) = 16),
    lease_expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK (state <> 'running' OR (lease_token IS NOT NULL AND lease_expires_at IS NOT NULL)),
    CHECK (kind <> 'ingest' OR (document_id IS NOT NULL AND version IS NOT NULL)),
    CHECK (kind <> 'purge' OR document_id IS NOT NULL),
    CHECK ((kind = 'deliver') = (webhook IS NOT NULL))
) STRICT;
INSERT INTO jobs_next (id, kind, document_id, version, generation, state, stage, progress, attempts, max_attempts,
    error, due_at, lease_token, lease_expires_at, created_at, updated_at)
    SELECT id, kind, document_id, version, generation, state, stage, progress, attempts, max_attempts, error,
    due_at, lease_token, lease_expires_at, created_at, updated_at FROM jobs;
DROP TABLE jobs;
ALTER TABLE jobs_next RENAME TO jobs;

-- These serve what they served before.
CREATE INDEX jobs_open ON jobs (id) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX jobs_one_per_version ON jobs (document_id, version) WHERE kind = 'ingest';
CREATE UNIQUE INDEX jobs_one_open_reindex ON jobs (kind) WHERE kind = 'reindex' AND state IN ('queued', 'running');
CREATE INDEX jobs_document ON jobs (document_id, id);

-- What a delivery sends. Not part of `jobs`, which is history: this goes when it has been delivered, and with the
-- conversation or the document that it tells of.
CREATE TABLE deliveries (
    job_id BLOB NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    answer_id BLOB NOT NULL CHECK (length(answer_id) = 16),
    conversation_id BLOB REFERENCES conversations (id) ON DELETE CASCADE,
    -- The bytes that are signed and sent: the same at every attempt.
    body TEXT NOT NULL
) STRICT;

-- What leaves with a conversation.
CREATE INDEX deliveries_conversation ON deliveries (conversation_id);

-- The documents that a body quotes.
CREATE TABLE delivery_documents (
    document_id BLOB NOT NULL CHECK (length(document_id) = 16),
    job_id BLOB NOT NULL REFERENCES deliveries (job_id) ON DELETE CASCADE,
    PRIMARY KEY (document_id, job_id)
) STRICT, WITHOUT ROWID;

-- The documents of a body, which leave with it.
CREATE INDEX delivery_documents_job ON delivery_documents (job_id);
