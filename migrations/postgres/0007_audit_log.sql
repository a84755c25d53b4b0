-- Who did what. Entries are added and, when they are old enough, removed; the triggers refuse to change one.
--
-- Not part of backups: the log of an installation tells what was done to this one. It is exported instead.
CREATE TABLE audit_log (
    -- A UUIDv7: its order is the order of the lists.
    id uuid CONSTRAINT audit_log_id PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL CONSTRAINT audit_log_actor_named CHECK (actor <> ''),
    action text NOT NULL CONSTRAINT audit_log_action_named CHECK (action <> ''),
    subject text,
    status bigint NOT NULL,
    address text,
    request_id text,
    details jsonb NOT NULL CONSTRAINT audit_log_details CHECK (jsonb_typeof(details) = 'object')
);

-- What is old, to be removed.
CREATE INDEX audit_log_at ON audit_log (at);
-- What one caller did.
CREATE INDEX audit_log_actor ON audit_log (actor, id);
-- What was done to one thing.
CREATE INDEX audit_log_subject ON audit_log (subject, id) WHERE subject IS NOT NULL;

CREATE FUNCTION audit_log_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an entry of the audit log is never changed';
END;
$$;
CREATE TRIGGER audit_log_is_never_changed BEFORE UPDATE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_refuse_change();
