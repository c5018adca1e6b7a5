-- +goose Up
-- When an operator last wanted the analysis to run again.
ALTER TABLE attempts ADD COLUMN retried_at timestamptz;

-- +goose Down
ALTER TABLE attempts DROP COLUMN retried_at;
