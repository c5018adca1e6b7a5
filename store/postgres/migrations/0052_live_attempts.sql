-- +goose Up
-- The role play for which an account has a ticket that may still be used. Accounts that may be in
-- one role play at a time take it under the lock of their row.
ALTER TABLE users ADD COLUMN live_attempt uuid, ADD COLUMN live_until timestamptz;

-- +goose Down
ALTER TABLE users DROP COLUMN live_attempt, DROP COLUMN live_until;
