-- +goose Up
-- Second factors: an authenticator app, and recovery codes for when it is lost. The secret is
-- encrypted. Of the recovery codes only hashes are stored; a used code is deleted. last_step is
-- the time step of the last accepted code, so that no code works twice.
CREATE TABLE factors (
    user_id      uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    secret       bytea NOT NULL,
    confirmed_at timestamptz,
    last_step    bigint NOT NULL DEFAULT 0,
    recovery     bytea[] NOT NULL DEFAULT '{}'
);

-- Sign-ins with the right password that wait for a code.
CREATE TABLE sign_ins (
    hash       bytea PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    tries      int NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sign_ins_by_user ON sign_ins (user_id);
CREATE INDEX sign_ins_by_expiry ON sign_ins (expires_at);

-- +goose Down
DROP TABLE sign_ins;
DROP TABLE factors;
