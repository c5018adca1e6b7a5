-- +goose Up
-- A pending recording follows its report: the blob store did not accept it, and its audio is still
-- in the log.
ALTER TABLE recordings ADD COLUMN state text NOT NULL DEFAULT 'kept'
    CHECK (state IN ('kept', 'pending', 'failed', 'deleted'));
CREATE INDEX recordings_pending ON recordings (attempt_id) WHERE state = 'pending';

-- +goose Down
DELETE FROM recordings WHERE state <> 'kept';
DROP INDEX recordings_pending;
ALTER TABLE recordings DROP COLUMN state;
