-- The adapter registry: data version -> run -> evaluation -> adapter, and which adapter serves.

-- Trained additions to a model, whose files lie in the blob store. Rows are never changed: other bytes are another
-- adapter.
CREATE TABLE adapters (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    role TEXT NOT NULL CHECK (role IN ('reader', 'generator')),
    name TEXT NOT NULL CHECK (name <> ''),
    -- Over all files: the name of the folder in the blob store.
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    -- The weights that it was trained on, without which it means nothing.
    base_sha256 TEXT NOT NULL CHECK (length(base_sha256) = 64),
    -- The data sets that it was trained on, as the card of the run names them.
    data_versions TEXT NOT NULL CHECK (json_type(data_versions) = 'array'),
    -- The card of the training run, as it is shown. No query looks inside.
    run TEXT NOT NULL CHECK (json_type(run) = 'object'),
    size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
    created_at INTEGER NOT NULL
) STRICT;

-- The same bytes are registered once.
CREATE UNIQUE INDEX adapters_sha256 ON adapters (sha256);

-- Runs of suites, each with the adapters that answered together. Not part of `adapters`: what ships with the program is
-- measured too and has no row there, and a run measures two adapters at once. So both are named by their sums; NULL is
-- the model without an adapter.
CREATE TABLE adapter_evaluations (
    -- Over the run's card, which holds the sums of its files: the name of their folder in the blob store.
    run_sha256 TEXT NOT NULL PRIMARY KEY CHECK (length(run_sha256) = 64),
    run TEXT NOT NULL CHECK (run <> ''),
    suite TEXT NOT NULL CHECK (suite <> ''),
    suite_sha256 TEXT NOT NULL CHECK (length(suite_sha256) = 64),
    reader_sha256 TEXT CHECK (length(reader_sha256) = 64),
    generator_sha256 TEXT CHECK (length(generator_sha256) = 64),
    -- What lists show, so that they do not read a run for each line. A decision reads the run itself.
    figures TEXT NOT NULL CHECK (json_type(figures) = 'object'),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest evaluation of two adapters on a suite.
CREATE INDEX adapter_evaluations_of ON adapter_evaluations (suite_sha256, reader_sha256, generator_sha256, created_at);

-- Which adapter served when, and why: only ever added to. The last entry of a role is what serves; a role without any
-- is served by what ships with the program.
CREATE TABLE promotions (
    role TEXT NOT NULL CHECK (role IN ('reader', 'generator')),
    number INTEGER NOT NULL CHECK (number >= 1),
    action TEXT NOT NULL CHECK (action IN ('promote', 'rollback')),
    -- NULL is what ships with the program.
    adapter_id BLOB REFERENCES adapters (id),
    replaced_id BLOB REFERENCES adapters (id),
    -- The entry that a rollback of this one goes back to; NULL is what ships. So two rollbacks in a row go back two
    -- steps, and not to and fro.
    below INTEGER,
    -- Why it was promoted although it was refused, and what the refusal said.
    reason TEXT,
    refusal TEXT,
    -- The comparison that it was promoted on, where there was one.
    grounds TEXT CHECK (json_type(grounds) = 'object'),
    promoted_at INTEGER NOT NULL,
    PRIMARY KEY (role, number),
    FOREIGN KEY (role, below) REFERENCES promotions (role, number),
    CHECK (below < number),
    CHECK ((reason IS NULL) = (refusal IS NULL)),
    CHECK (action = 'rollback' OR adapter_id IS NOT NULL),
    CHECK (action = 'promote' OR reason IS NULL)
) STRICT, WITHOUT ROWID;
