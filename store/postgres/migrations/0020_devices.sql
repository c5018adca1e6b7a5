-- +goose Up
ALTER TABLE sessions
    ADD COLUMN fingerprint    text NOT NULL DEFAULT '',
    ADD COLUMN end_reason     text NOT NULL DEFAULT '',
    ADD COLUMN max_expires_at timestamptz NOT NULL DEFAULT now() + interval '90 days';
ALTER TABLE sessions ALTER COLUMN max_expires_at DROP DEFAULT;
CREATE INDEX sessions_in_use ON sessions (user_id, last_seen_at) WHERE ended_at IS NULL;

-- +goose Down
DROP INDEX sessions_in_use;
ALTER TABLE sessions DROP COLUMN fingerprint, DROP COLUMN end_reason, DROP COLUMN max_expires_at;
