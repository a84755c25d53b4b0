-- The queue gets an order that is not only that of arrival, options for a reindex, and what a job has to report.

ALTER TABLE jobs
    -- What the user said, or what follows from the size of the request: shown, and turned into `order_at` once.
    ADD COLUMN priority text NOT NULL DEFAULT 'normal'
        CONSTRAINT jobs_priority CHECK (priority IN ('high', 'normal', 'low')),
    -- The job's place: the time of its arrival, later by what its priority makes it wait for others. A time and not a
    -- class, so that nothing waits for ever behind jobs that keep coming.
    ADD COLUMN order_at timestamptz NOT NULL DEFAULT now(),
    -- What a reindex was asked for. No query looks inside.
    ADD COLUMN options jsonb CONSTRAINT jobs_options CHECK (jsonb_typeof(options) = 'object'),
    -- What the job has done so far, as it is shown. No query looks inside.
    ADD COLUMN report jsonb CONSTRAINT jobs_report CHECK (jsonb_typeof(report) = 'object'),
    ADD CONSTRAINT jobs_options_of_reindex CHECK (options IS NULL OR kind = 'reindex');

-- What a worker may take, in the order of the queue: small whatever the history holds.
DROP INDEX jobs_open;
CREATE INDEX jobs_open ON jobs (order_at, id) WHERE state IN ('queued', 'running');
