-- The queue gets an order that is not only that of arrival, options for a reindex, and what a job has to report.

-- What the user said, or what follows from the size of the request: shown, and turned into `order_at` once.
ALTER TABLE jobs ADD COLUMN priority TEXT NOT NULL DEFAULT 'normal' CHECK (priority IN ('high', 'normal', 'low'));
-- The job's place: the time of its arrival, later by what its priority makes it wait for others. A time and not a class,
-- so that nothing waits for ever behind jobs that keep coming. What is open when this step runs came before everything.
ALTER TABLE jobs ADD COLUMN order_at INTEGER NOT NULL DEFAULT 0;
-- What a reindex was asked for. No query looks inside.
ALTER TABLE jobs ADD COLUMN options TEXT CHECK (json_type(options) = 'object');
-- What the job has done so far, as it is shown. No query looks inside.
ALTER TABLE jobs ADD COLUMN report TEXT CHECK (json_type(report) = 'object');

-- What a worker may take, in the order of the queue: small whatever the history holds.
DROP INDEX jobs_open;
CREATE INDEX jobs_open ON jobs (order_at, id) WHERE state IN ('queued', 'running');
