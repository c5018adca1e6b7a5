-- +goose Up
-- When a session's user last proved, beyond signing in, to be who they are.
CREATE TABLE session_proofs (
    session_id uuid PRIMARY KEY REFERENCES sessions ON DELETE CASCADE,
    at         timestamptz NOT NULL
);

-- +goose Down
DROP TABLE session_proofs;
