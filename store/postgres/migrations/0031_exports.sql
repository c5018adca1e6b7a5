-- +goose Up
-- Archives of the data of a user. The files are in the blob store.
CREATE TABLE exports (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    state      text NOT NULL CHECK (state IN ('queued', 'running', 'ready', 'failed')),
    progress   double precision NOT NULL DEFAULT 0,
    bytes      bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX exports_user ON exports (user_id, id DESC);
CREATE INDEX exports_by_expiry ON exports (expires_at);

-- +goose Down
DROP TABLE exports;
