-- +goose Up
-- A pending recording follows its report: the blob store did not accept it, and its audio is still
-- in the log. A later migration, which locks nothing, checks the rows there are.
ALTER TABLE recordings ADD COLUMN state text NOT NULL DEFAULT 'kept';
ALTER TABLE recordings ADD CONSTRAINT recordings_state_check
    CHECK (state IN ('kept', 'pending', 'failed', 'deleted')) NOT VALID;

-- +goose Down
DELETE FROM recordings WHERE state <> 'kept';
ALTER TABLE recordings DROP COLUMN state;
