-- What people say about answers, and for a while what an answer came from, so that something can be said about it.

-- The traces of the last answers: question, passages, outcome. Kept for some hours and up to a number, then removed; one
-- that somebody says something about moves into `feedback`. Not part of `turns`: most answers are given outside of
-- conversations, and a turn stays. Not part of backups, since nothing of it is meant to stay.
CREATE TABLE answer_traces (
    answer_id uuid CONSTRAINT answer_traces_id PRIMARY KEY,
    collection text NOT NULL CONSTRAINT answer_traces_collection CHECK (collection <> ''),
    -- Who asked: nobody else says something about it. NULL for who needed no key.
    owner text,
    conversation_id uuid CONSTRAINT answer_traces_in REFERENCES conversations (id) ON DELETE CASCADE,
    -- As it is shown. No query looks inside.
    trace jsonb NOT NULL CONSTRAINT answer_traces_trace CHECK (jsonb_typeof(trace) = 'object'),
    kept_at timestamptz NOT NULL DEFAULT now()
);

-- What is old, to be removed.
CREATE INDEX answer_traces_kept_at ON answer_traces (kept_at);
-- What leaves with a conversation.
CREATE INDEX answer_traces_conversation ON answer_traces (conversation_id);

-- The documents that the words of a trace come from: with one of them the whole trace goes.
CREATE TABLE trace_documents (
    document_id uuid NOT NULL,
    answer_id uuid NOT NULL
        CONSTRAINT trace_documents_of REFERENCES answer_traces (answer_id) ON DELETE CASCADE,
    CONSTRAINT trace_documents_id PRIMARY KEY (document_id, answer_id)
);

-- The documents of a trace, which leave with it.
CREATE INDEX trace_documents_trace ON trace_documents (answer_id);

-- What was said about an answer, with its trace. It stays until somebody deletes it, or its conversation; the purge of a
-- document takes out what rests on that document.
CREATE TABLE feedback (
    -- A UUIDv7: its order is the order of the lists.
    id uuid CONSTRAINT feedback_id PRIMARY KEY,
    answer_id uuid NOT NULL,
    conversation_id uuid CONSTRAINT feedback_in REFERENCES conversations (id) ON DELETE CASCADE,
    collection text NOT NULL CONSTRAINT feedback_collection_named CHECK (collection <> ''),
    -- Who asked: who may see it, beside administrators.
    owner text,
    verdict text NOT NULL CONSTRAINT feedback_verdict_known CHECK (verdict IN
        ('right', 'wrong', 'wrong_source', 'should_have_answered', 'should_have_abstained', 'better_answer')),
    better_answer text,
    comment text,
    -- The kinds of personal data that were blacked out in these two.
    redacted jsonb NOT NULL CONSTRAINT feedback_redacted CHECK (jsonb_typeof(redacted) = 'array'),
    given_by text NOT NULL CONSTRAINT feedback_given_by CHECK (given_by <> ''),
    given_at timestamptz NOT NULL DEFAULT now(),
    -- As it is shown. No query looks inside.
    trace jsonb NOT NULL CONSTRAINT feedback_trace CHECK (jsonb_typeof(trace) = 'object')
);

-- Of one answer one feedback stands: the next one takes its place.
CREATE UNIQUE INDEX feedback_answer ON feedback (answer_id);
-- What was said about the answers of a collection, newest first.
CREATE INDEX feedback_collection ON feedback (collection, id);
-- What was said of one kind, newest first.
CREATE INDEX feedback_verdict ON feedback (verdict, id);
-- What leaves with a conversation.
CREATE INDEX feedback_conversation ON feedback (conversation_id);

-- The documents that its words may come from. A table and not a look into `trace`, because a purge asks for what rests on
-- a document.
CREATE TABLE feedback_documents (
    -- Not a reference: the purge of the document takes the row away when it has changed the feedback.
    document_id uuid NOT NULL,
    feedback_id uuid NOT NULL CONSTRAINT feedback_documents_of REFERENCES feedback (id) ON DELETE CASCADE,
    CONSTRAINT feedback_documents_id PRIMARY KEY (document_id, feedback_id)
);

-- The documents of a feedback, which leave with it.
CREATE INDEX feedback_documents_feedback ON feedback_documents (feedback_id);
