-- Who may do what, and who may read which documents.

-- API keys. A key is 256 drawn bits, of which nothing but a SHA-256 is kept: there is nothing to guess, so nothing slow
-- and salted is needed. Not part of backups: a restore must not bring back a key that was revoked since.
CREATE TABLE api_keys (
    -- A UUIDv7: its order is the order of the lists.
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL CHECK (name <> ''),
    -- How the key begins, for people.
    prefix TEXT NOT NULL CHECK (prefix <> ''),
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    -- After a rotation the key before it is taken until a time.
    previous_sha256 TEXT CHECK (length(previous_sha256) = 64),
    previous_until INTEGER,
    scopes TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    -- NULL for all.
    collections TEXT CHECK (json_type(collections) = 'array'),
    labels TEXT CHECK (json_type(labels) = 'array'),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    rotated_at INTEGER,
    revoked_at INTEGER,
    -- To about a minute: not every request writes.
    last_used_at INTEGER,
    CHECK ((previous_sha256 IS NULL) = (previous_until IS NULL))
) STRICT;

-- Every request that carries a key looks it up by these.
CREATE UNIQUE INDEX api_keys_sha256 ON api_keys (sha256);
CREATE UNIQUE INDEX api_keys_previous ON api_keys (previous_sha256) WHERE previous_sha256 IS NOT NULL;

-- The access labels of a document: a caller needs one of them. Everyone may read it when there is none.
ALTER TABLE documents ADD COLUMN access TEXT NOT NULL DEFAULT '[]' CHECK (json_type(access) = 'array');

-- The collection of a job's document, which may be forgotten before somebody asks for the job.
ALTER TABLE jobs ADD COLUMN collection TEXT;
UPDATE jobs SET collection = (SELECT d.collection FROM documents d WHERE d.id = jobs.document_id)
    WHERE document_id IS NOT NULL;

-- Whose conversation it is: nobody else sees it. NULL for who needs no key.
ALTER TABLE conversations ADD COLUMN owner TEXT CHECK (owner <> '');
-- The conversations of one caller, newest first.
CREATE INDEX conversations_owner ON conversations (owner, id);
