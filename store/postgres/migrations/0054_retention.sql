-- +goose NO TRANSACTION
-- Reads and indexes the recordings while they are in use, outside a transaction; what an
-- interrupted run has left is dropped first.

-- +goose Up
ALTER TABLE recordings VALIDATE CONSTRAINT recordings_state_check;

DROP INDEX CONCURRENTLY IF EXISTS recordings_pending;
CREATE INDEX CONCURRENTLY recordings_pending ON recordings (attempt_id) WHERE state = 'pending';

-- Those that have files, oldest first: ids are UUID v7.
DROP INDEX CONCURRENTLY IF EXISTS recordings_stored;
CREATE INDEX CONCURRENTLY recordings_stored ON recordings (attempt_id) WHERE state <> 'deleted';

-- +goose Down
DROP INDEX recordings_pending, recordings_stored;
