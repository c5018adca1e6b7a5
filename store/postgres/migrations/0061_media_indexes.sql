-- +goose NO TRANSACTION
-- Reads and indexes the users while they are in use, outside a transaction; what an interrupted
-- run has left is dropped first.

-- +goose Up
ALTER TABLE users VALIDATE CONSTRAINT users_avatar_id_fkey;

DROP INDEX CONCURRENTLY IF EXISTS users_avatar;
CREATE INDEX CONCURRENTLY users_avatar ON users (avatar_id) WHERE avatar_id IS NOT NULL;

-- +goose Down
DROP INDEX users_avatar;
