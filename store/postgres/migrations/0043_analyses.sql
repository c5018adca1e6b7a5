-- +goose Up
-- tries counts the analyses of an attempt that crashed or failed, and the one that runs.
-- progress_at is when a worker was last at it.
ALTER TABLE attempts ADD COLUMN tries integer NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN progress_at timestamptz;

-- +goose Down
ALTER TABLE attempts DROP COLUMN progress_at;
ALTER TABLE attempts DROP COLUMN tries;
