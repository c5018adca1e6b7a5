-- +goose NO TRANSACTION
-- Indexes for the hourly sweep and for lists with a filter. They are built while the tables are in
-- use, outside a transaction; what an interrupted run has left is dropped first.

-- +goose Up
DROP INDEX CONCURRENTLY IF EXISTS sessions_by_end;
CREATE INDEX CONCURRENTLY sessions_by_end ON sessions (coalesce(ended_at, expires_at));

-- A page of a list is a part of such an index, read from its end.
DROP INDEX CONCURRENTLY IF EXISTS attempts_candidate_id;
CREATE INDEX CONCURRENTLY attempts_candidate_id ON attempts (candidate_id, id);
DROP INDEX CONCURRENTLY IF EXISTS attempts_candidate;
DROP INDEX CONCURRENTLY IF EXISTS attempts_partner_id;
CREATE INDEX CONCURRENTLY attempts_partner_id ON attempts (partner_id, id)
    WHERE partner_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS attempts_partner;
DROP INDEX CONCURRENTLY IF EXISTS acts_user_id;
CREATE INDEX CONCURRENTLY acts_user_id ON acts (user_id, id) WHERE user_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS acts_user;
DROP INDEX CONCURRENTLY IF EXISTS acts_actor_id;
CREATE INDEX CONCURRENTLY acts_actor_id ON acts (actor_id, id) WHERE actor_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS acts_actor;
DROP INDEX CONCURRENTLY IF EXISTS acts_action_id;
CREATE INDEX CONCURRENTLY acts_action_id ON acts (action, id);

-- What was not played is found by its age. The new index also serves whatever needed the old one.
DROP INDEX CONCURRENTLY IF EXISTS attempts_live;
CREATE INDEX CONCURRENTLY attempts_live ON attempts (state, created_at)
    WHERE state IN ('created', 'preparing', 'playing', 'analysing');
DROP INDEX CONCURRENTLY IF EXISTS attempts_unfinished;

-- Those that wait for their report, oldest first.
DROP INDEX CONCURRENTLY IF EXISTS attempts_unreported;
CREATE INDEX CONCURRENTLY attempts_unreported ON attempts (id)
    WHERE state IN ('playing', 'analysing');

-- Accounts that wait to be confirmed, by age.
DROP INDEX CONCURRENTLY IF EXISTS users_pending_since;
CREATE INDEX CONCURRENTLY users_pending_since ON users (created_at) WHERE pending_from <> '';

DROP INDEX CONCURRENTLY IF EXISTS users_disabled;
CREATE INDEX CONCURRENTLY users_disabled ON users (id) WHERE disabled;

-- +goose Down
CREATE INDEX attempts_unfinished ON attempts (state)
    WHERE state IN ('created', 'preparing', 'playing', 'analysing');
CREATE INDEX attempts_candidate ON attempts (candidate_id, id DESC);
CREATE INDEX attempts_partner ON attempts (partner_id, id DESC) WHERE partner_id IS NOT NULL;
CREATE INDEX acts_user ON acts (user_id, id DESC) WHERE user_id IS NOT NULL;
CREATE INDEX acts_actor ON acts (actor_id, id DESC) WHERE actor_id IS NOT NULL;
DROP INDEX sessions_by_end, attempts_live, attempts_unreported, attempts_candidate_id,
    attempts_partner_id, acts_user_id, acts_actor_id, acts_action_id, users_pending_since,
    users_disabled;
