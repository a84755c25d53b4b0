-- Who may do what, and who may read which documents.

-- API keys. A key is 256 drawn bits, of which nothing but a SHA-256 is kept: there is nothing to guess, so nothing slow
-- and salted is needed. Not part of backups: a restore must not bring back a key that was revoked since.
CREATE TABLE api_keys (
    -- A UUIDv7: its order is the order of the lists.
    id uuid CONSTRAINT api_keys_id PRIMARY KEY,
    name text NOT NULL CONSTRAINT api_keys_name CHECK (name <> ''),
    -- How the key begins, for people.
    prefix text NOT NULL CONSTRAINT api_keys_prefix CHECK (prefix <> ''),
    sha256 text NOT NULL CONSTRAINT api_keys_sha256_form CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    -- After a rotation the key before it is taken until a time.
    previous_sha256 text CONSTRAINT api_keys_previous_form CHECK (previous_sha256 ~ '^[0-9a-f]{64}$'),
    previous_until timestamptz,
    scopes jsonb NOT NULL CONSTRAINT api_keys_scopes CHECK (jsonb_typeof(scopes) = 'array'),
    -- NULL for all.
    collections jsonb CONSTRAINT api_keys_collections CHECK (jsonb_typeof(collections) = 'array'),
    labels jsonb CONSTRAINT api_keys_labels CHECK (jsonb_typeof(labels) = 'array'),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    rotated_at timestamptz,
    revoked_at timestamptz,
    -- To about a minute: not every request writes.
    last_used_at timestamptz,
    CONSTRAINT api_keys_previous_has_an_end CHECK ((previous_sha256 IS NULL) = (previous_until IS NULL))
);

-- Every request that carries a key looks it up by these.
CREATE UNIQUE INDEX api_keys_sha256 ON api_keys (sha256);
CREATE UNIQUE INDEX api_keys_previous ON api_keys (previous_sha256) WHERE previous_sha256 IS NOT NULL;

-- The access labels of a document: a caller needs one of them. Everyone may read it when there is none.
ALTER TABLE documents ADD COLUMN access jsonb NOT NULL DEFAULT '[]'
    CONSTRAINT documents_access CHECK (jsonb_typeof(access) = 'array');

-- The collection of a job's document, which may be forgotten before somebody asks for the job.
ALTER TABLE jobs ADD COLUMN collection text;
UPDATE jobs SET collection = (SELECT d.collection FROM documents d WHERE d.id = jobs.document_id)
    WHERE document_id IS NOT NULL;

-- Whose conversation it is: nobody else sees it. NULL for who needs no key.
ALTER TABLE conversations ADD COLUMN owner text CONSTRAINT conversations_owner_named CHECK (owner <> '');
-- The conversations of one caller, newest first.
CREATE INDEX conversations_owner ON conversations (owner, id);
