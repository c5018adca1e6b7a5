-- +goose Up
-- When the user of a session last proved their identity, after signing in.
CREATE TABLE session_proofs (
    session_id uuid PRIMARY KEY REFERENCES sessions ON DELETE CASCADE,
    at         timestamptz NOT NULL
);

-- +goose Down
DROP TABLE session_proofs;
