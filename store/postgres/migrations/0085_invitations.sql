-- +goose Up
-- Links by which a candidate lets another one play the patient of an attempt.
CREATE TABLE invitations (
    attempt_id uuid PRIMARY KEY REFERENCES attempts ON DELETE CASCADE,
    token_hash bytea NOT NULL UNIQUE,
    expires_at timestamptz NOT NULL,
    used       boolean NOT NULL DEFAULT false
);

-- +goose Down
DROP TABLE invitations;
