-- +goose NO TRANSACTION
-- Built while attempts are in use; what an interrupted run has left is dropped first.

-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS attempts_exam;
CREATE UNIQUE INDEX CONCURRENTLY attempts_exam
    ON attempts (exam_id, exam_position, exam_replaces) WHERE exam_id IS NOT NULL;

-- +goose Down
DROP INDEX attempts_exam;
