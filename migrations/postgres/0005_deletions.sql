-- What a restore must know: which documents were deleted, and whether a restore is under way.

-- Every document that was ever deleted, for ever: a backup that is older than the deletion still holds the document,
-- and a restore must not bring it back. Not part of `documents`, whose rows go with the purge. Ids and times only: of
-- what was deleted nothing is kept that says what it was.
CREATE TABLE deleted_documents (
    document_id uuid CONSTRAINT deleted_documents_id PRIMARY KEY,
    deleted_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO deleted_documents (document_id, deleted_at)
    SELECT id, deleted_at FROM documents WHERE deleted_at IS NOT NULL;

-- The restore that was begun and has not ended. One row while there is one: the program refuses to serve a store that
-- holds half of an archive.
CREATE TABLE restores (
    one integer CONSTRAINT restores_id PRIMARY KEY CONSTRAINT restores_one CHECK (one = 1),
    -- SHA-256 of the archive's manifest.
    archive text NOT NULL CONSTRAINT restores_archive CHECK (length(archive) = 64),
    begun_at timestamptz NOT NULL DEFAULT now()
);
