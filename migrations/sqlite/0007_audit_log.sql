-- Who did what. Entries are added and, when they are old enough, removed; the triggers refuse to change one.
--
-- Not part of backups: the log of an installation tells what was done to this one. It is exported instead.
CREATE TABLE audit_log (
    -- A UUIDv7: its order is the order of the lists.
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    actor TEXT NOT NULL CHECK (actor <> ''),
    action TEXT NOT NULL CHECK (action <> ''),
    subject TEXT,
    status INTEGER NOT NULL,
    address TEXT,
    request_id TEXT,
    details TEXT NOT NULL CHECK (json_type(details) = 'object')
) STRICT;

-- What is old, to be removed.
CREATE INDEX audit_log_at ON audit_log (at);
-- What one caller did.
CREATE INDEX audit_log_actor ON audit_log (actor, id);
-- What was done to one thing.
CREATE INDEX audit_log_subject ON audit_log (subject, id) WHERE subject IS NOT NULL;

CREATE TRIGGER audit_log_is_never_changed BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'an entry of the audit log is never changed');
END;
