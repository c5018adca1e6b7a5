-- +goose Up
-- The network address that registered an account, until the account's address is confirmed; empty
-- for all other accounts. Any number of accounts may wait to confirm an address that may have an
-- account already, so that registering does not tell whether it has.
ALTER TABLE users ADD COLUMN pending_from text NOT NULL DEFAULT '';
ALTER TABLE users DROP CONSTRAINT users_email_key;
CREATE UNIQUE INDEX users_email ON users (email) WHERE pending_from = '';
CREATE INDEX users_pending ON users (email, id) WHERE pending_from <> '';

-- +goose Down
DELETE FROM users WHERE pending_from <> '';
DROP INDEX users_email, users_pending;
ALTER TABLE users DROP COLUMN pending_from;
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);
