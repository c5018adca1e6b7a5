-- +goose Up
-- Acts of nobody known, such as wrong passwords, are entered in the audit trail once an hour for
-- each network; this table counts the others. act_id is the entry.
CREATE TABLE act_tallies (
    act_id  uuid PRIMARY KEY,
    hour    timestamptz NOT NULL,
    network text NOT NULL CHECK (length(network) <= 64),
    action  text NOT NULL,
    outcome text NOT NULL,
    detail  text NOT NULL,
    user_id uuid,
    count   bigint NOT NULL DEFAULT 1,
    last_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX act_tallies_key ON act_tallies (hour, network, action, outcome, detail,
    coalesce(user_id, '00000000-0000-0000-0000-000000000000'));
CREATE INDEX act_tallies_user ON act_tallies (user_id) WHERE user_id IS NOT NULL;

-- +goose Down
DROP TABLE act_tallies;
