-- The adapter registry: data version -> run -> evaluation -> adapter, and which adapter serves.

-- Trained additions to a model, whose files lie in the blob store. Rows are never changed: other bytes are another
-- adapter.
CREATE TABLE adapters (
    id uuid CONSTRAINT adapters_id PRIMARY KEY,
    role text NOT NULL CONSTRAINT adapters_role CHECK (role IN ('reader', 'generator')),
    name text NOT NULL CONSTRAINT adapters_name CHECK (name <> ''),
    -- Over all files: the name of the folder in the blob store.
    sha256 text NOT NULL CONSTRAINT adapters_sum CHECK (length(sha256) = 64),
    -- The weights that it was trained on, without which it means nothing.
    base_sha256 text NOT NULL CONSTRAINT adapters_base CHECK (length(base_sha256) = 64),
    -- The data sets that it was trained on, as the card of the run names them.
    data_versions jsonb NOT NULL CONSTRAINT adapters_data_versions CHECK (jsonb_typeof(data_versions) = 'array'),
    -- The card of the training run, as it is shown. No query looks inside.
    run jsonb NOT NULL CONSTRAINT adapters_run CHECK (jsonb_typeof(run) = 'object'),
    size_bytes bigint NOT NULL CONSTRAINT adapters_size CHECK (size_bytes >= 0),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The same bytes are registered once.
CREATE UNIQUE INDEX adapters_sha256 ON adapters (sha256);

-- Runs of suites, each with the adapters that answered together. Not part of `adapters`: what ships with the program is
-- measured too and has no row there, and a run measures two adapters at once. So both are named by their sums; NULL is
-- the model without an adapter.
CREATE TABLE adapter_evaluations (
    -- Over the run's card, which holds the sums of its files: the name of their folder in the blob store.
    run_sha256 text CONSTRAINT adapter_evaluations_id PRIMARY KEY
        CONSTRAINT adapter_evaluations_sum CHECK (length(run_sha256) = 64),
    run text NOT NULL CONSTRAINT adapter_evaluations_run CHECK (run <> ''),
    suite text NOT NULL CONSTRAINT adapter_evaluations_suite CHECK (suite <> ''),
    suite_sha256 text NOT NULL CONSTRAINT adapter_evaluations_suite_sum CHECK (length(suite_sha256) = 64),
    reader_sha256 text CONSTRAINT adapter_evaluations_reader CHECK (length(reader_sha256) = 64),
    generator_sha256 text CONSTRAINT adapter_evaluations_generator CHECK (length(generator_sha256) = 64),
    -- What lists show, so that they do not read a run for each line. A decision reads the run itself.
    figures jsonb NOT NULL CONSTRAINT adapter_evaluations_figures CHECK (jsonb_typeof(figures) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The newest evaluation of two adapters on a suite.
CREATE INDEX adapter_evaluations_of ON adapter_evaluations (suite_sha256, reader_sha256, generator_sha256, created_at);

-- Which adapter served when, and why: only ever added to. The last entry of a role is what serves; a role without any
-- is served by what ships with the program.
CREATE TABLE promotions (
    role text NOT NULL CONSTRAINT promotions_role CHECK (role IN ('reader', 'generator')),
    number bigint NOT NULL CONSTRAINT promotions_number CHECK (number >= 1),
    action text NOT NULL CONSTRAINT promotions_action CHECK (action IN ('promote', 'rollback')),
    -- NULL is what ships with the program.
    adapter_id uuid CONSTRAINT promotions_adapter REFERENCES adapters (id),
    replaced_id uuid CONSTRAINT promotions_replaced REFERENCES adapters (id),
    -- The entry that a rollback of this one goes back to; NULL is what ships. So two rollbacks in a row go back two
    -- steps, and not to and fro.
    below bigint,
    -- Why it was promoted although it was refused, and what the refusal said.
    reason text,
    refusal text,
    -- The comparison that it was promoted on, where there was one.
    grounds jsonb CONSTRAINT promotions_grounds CHECK (jsonb_typeof(grounds) = 'object'),
    promoted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT promotions_id PRIMARY KEY (role, number),
    CONSTRAINT promotions_below FOREIGN KEY (role, below) REFERENCES promotions (role, number),
    CONSTRAINT promotions_below_is_older CHECK (below < number),
    CONSTRAINT promotions_forced CHECK ((reason IS NULL) = (refusal IS NULL)),
    CONSTRAINT promotions_promotes_something CHECK (action = 'rollback' OR adapter_id IS NOT NULL),
    CONSTRAINT promotions_rollbacks_are_not_forced CHECK (action = 'promote' OR reason IS NULL)
);
