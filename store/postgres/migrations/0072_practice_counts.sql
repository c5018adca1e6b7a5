-- +goose NO TRANSACTION
-- The counts of a period are read from the index, where they stand side by side. In the table
-- those of all are scattered among those of tutors. What an interrupted run has left is dropped
-- first.

-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS practice_days_counts;
CREATE UNIQUE INDEX CONCURRENTLY practice_days_counts ON practice_days
    (coalesce(tutor_id, '00000000-0000-0000-0000-000000000000'), day, scenario_id)
    INCLUDE (tutor_id, created, prepared, started, ended, reported, waiting, preparing, playing,
        analysing, seconds, unjoined);
DROP INDEX CONCURRENTLY IF EXISTS practice_days_key;

-- +goose Down
CREATE UNIQUE INDEX practice_days_key ON practice_days
    (coalesce(tutor_id, '00000000-0000-0000-0000-000000000000'), day, scenario_id);
DROP INDEX practice_days_counts;
