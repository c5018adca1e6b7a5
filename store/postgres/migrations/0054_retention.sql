-- +goose Up
-- The recordings that have files, oldest first: ids are UUID v7.
CREATE INDEX recordings_stored ON recordings (attempt_id) WHERE state <> 'deleted';

-- +goose Down
DROP INDEX recordings_stored;
