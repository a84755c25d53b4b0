-- Conversations, questions that were not answered, and outcomes on their way to webhooks.
--
-- Nothing of a question is stored unless a conversation was asked for, or a rule of the operator says so.

-- Questions that follow each other.
CREATE TABLE conversations (
    -- A UUIDv7: its order is the order of the lists.
    id uuid CONSTRAINT conversations_id PRIMARY KEY,
    collection text NOT NULL CONSTRAINT conversations_collection CHECK (collection <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- What was asked in a conversation and what came back. Only the purge of a document changes a row: it takes out what
-- rested on that document alone.
CREATE TABLE turns (
    conversation_id uuid NOT NULL CONSTRAINT turns_conversation REFERENCES conversations (id) ON DELETE CASCADE,
    number bigint NOT NULL CONSTRAINT turns_number CHECK (number >= 1),
    answer_id uuid NOT NULL,
    -- As it is shown and handed to the next question. No query looks inside.
    turn jsonb NOT NULL CONSTRAINT turns_turn CHECK (jsonb_typeof(turn) = 'object'),
    -- Which stretch of the answer which document carries.
    cited jsonb NOT NULL CONSTRAINT turns_cited CHECK (jsonb_typeof(cited) = 'array'),
    confidence real NOT NULL CONSTRAINT turns_confidence CHECK (confidence BETWEEN 0 AND 1),
    actions jsonb NOT NULL CONSTRAINT turns_actions CHECK (jsonb_typeof(actions) = 'array'),
    model jsonb NOT NULL CONSTRAINT turns_model CHECK (jsonb_typeof(model) = 'object'),
    asked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT turns_id PRIMARY KEY (conversation_id, number)
);

-- The documents that a turn's words may come from: those it cites, those whose readings it offers, and those of the
-- turns before it where it leans on them. A table and not a look into `turn`, because a purge asks for the turns of a
-- document.
CREATE TABLE turn_documents (
    -- Not a reference: the purge of the document takes the row away when it has changed the turn.
    document_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT turn_documents_id PRIMARY KEY (document_id, conversation_id, number),
    CONSTRAINT turn_documents_of FOREIGN KEY (conversation_id, number)
        REFERENCES turns (conversation_id, number) ON DELETE CASCADE
);

-- The documents of a turn, which leave with it.
CREATE INDEX turn_documents_turn ON turn_documents (conversation_id, number);

-- Questions that a rule keeps for the owners of the documents. Not part of `turns`: most are asked outside of
-- conversations.
CREATE TABLE unanswered (
    id uuid CONSTRAINT unanswered_id PRIMARY KEY,
    answer_id uuid NOT NULL,
    conversation_id uuid CONSTRAINT unanswered_in REFERENCES conversations (id) ON DELETE CASCADE,
    collection text NOT NULL CONSTRAINT unanswered_collection CHECK (collection <> ''),
    question text NOT NULL CONSTRAINT unanswered_question CHECK (question <> ''),
    -- NULL where it is the user's own words, and when it may hold words of a document that was deleted.
    interpreted text,
    -- The question without what does not matter: the same for the same question.
    asked_as text NOT NULL,
    outcome text NOT NULL
        CONSTRAINT unanswered_outcome CHECK (outcome IN ('answered', 'partial', 'abstained', 'clarify', 'blocked')),
    confidence real NOT NULL CONSTRAINT unanswered_confidence CHECK (confidence BETWEEN 0 AND 1),
    -- Ids and scores: names are looked up when they are shown, so that a deleted document leaves none here.
    nearest jsonb NOT NULL CONSTRAINT unanswered_nearest CHECK (jsonb_typeof(nearest) = 'array'),
    -- The question's dense vector, little-endian 32-bit, and what made it: others cannot be compared with it.
    embedder text NOT NULL CONSTRAINT unanswered_embedder CHECK (embedder <> ''),
    vector bytea NOT NULL,
    state text NOT NULL CONSTRAINT unanswered_state CHECK (state IN ('open', 'answered', 'dismissed')),
    asked_at timestamptz NOT NULL DEFAULT now(),
    -- When it ceased to be open.
    settled_at timestamptz,
    CONSTRAINT unanswered_settled CHECK ((state = 'open') = (settled_at IS NULL))
);

-- What the owners of a collection have to look at, newest first.
CREATE INDEX unanswered_open ON unanswered (collection, id) WHERE state = 'open';
-- The open entries of a question that was answered now. By a hash, because a question may be longer than a row of an
-- ordinary index.
CREATE INDEX unanswered_asked_as ON unanswered USING hash (asked_as) WHERE state = 'open';
-- What leaves with a conversation.
CREATE INDEX unanswered_conversation ON unanswered (conversation_id);

-- The queue learns a kind of job. A delivery is a job like the others: leased, repeated, listed, cancelled and retried
-- by the same code. A program of the version before cannot list it: no webhook is to be configured before all have been
-- replaced, and without one the word is not written.
ALTER TABLE jobs
    DROP CONSTRAINT jobs_kind,
    ADD CONSTRAINT jobs_kind CHECK (kind IN ('ingest', 'purge', 'reindex', 'deliver')),
    DROP CONSTRAINT jobs_stage,
    ADD CONSTRAINT jobs_stage
        CHECK (stage IN ('waiting', 'extract', 'chunk', 'embed', 'store', 'swap', 'deliver', 'done')),
    -- The webhook that a delivery goes to, by its name in the rules.
    ADD COLUMN webhook text,
    ADD CONSTRAINT jobs_deliver CHECK ((kind = 'deliver') = (webhook IS NOT NULL));

-- What a delivery sends. Not part of `jobs`, which is history: this goes when it has been delivered, and with the
-- conversation or the document that it tells of.
CREATE TABLE deliveries (
    job_id uuid CONSTRAINT deliveries_id PRIMARY KEY CONSTRAINT deliveries_job REFERENCES jobs (id) ON DELETE CASCADE,
    answer_id uuid NOT NULL,
    conversation_id uuid CONSTRAINT deliveries_in REFERENCES conversations (id) ON DELETE CASCADE,
    -- The bytes that are signed and sent: the same at every attempt. Not jsonb, which would write them in its own way.
    body text NOT NULL
);

-- What leaves with a conversation.
CREATE INDEX deliveries_conversation ON deliveries (conversation_id);

-- The documents that a body quotes.
CREATE TABLE delivery_documents (
    document_id uuid NOT NULL,
    job_id uuid NOT NULL CONSTRAINT delivery_documents_of REFERENCES deliveries (job_id) ON DELETE CASCADE,
    CONSTRAINT delivery_documents_id PRIMARY KEY (document_id, job_id)
);

-- The documents of a body, which leave with it.
CREATE INDEX delivery_documents_job ON delivery_documents (job_id);
