-- +goose NO TRANSACTION
-- Reads and indexes what is in use, outside a transaction; what an interrupted run has left is
-- dropped first.

-- +goose Up
ALTER TABLE scenarios VALIDATE CONSTRAINT scenarios_state_check;
ALTER TABLE attempts VALIDATE CONSTRAINT attempts_scenario_version_fkey;

-- Whether somebody has played a scenario.
DROP INDEX CONCURRENTLY IF EXISTS attempts_scenario;
CREATE INDEX CONCURRENTLY attempts_scenario ON attempts (scenario_id, scenario_version);

DROP INDEX CONCURRENTLY IF EXISTS scenarios_search;
CREATE INDEX CONCURRENTLY scenarios_search ON scenarios USING gin (search);

DROP INDEX CONCURRENTLY IF EXISTS scenarios_author;
CREATE INDEX CONCURRENTLY scenarios_author ON scenarios (created_by)
    WHERE created_by IS NOT NULL;

DROP INDEX CONCURRENTLY IF EXISTS scenarios_editor;
CREATE INDEX CONCURRENTLY scenarios_editor ON scenarios (updated_by)
    WHERE updated_by IS NOT NULL;

-- The orders of the catalogue.
DROP INDEX CONCURRENTLY IF EXISTS scenarios_by_profession;
CREATE INDEX CONCURRENTLY scenarios_by_profession
    ON scenarios (state, profession, difficulty, lower(title), id);
DROP INDEX CONCURRENTLY IF EXISTS scenarios_by_title;
CREATE INDEX CONCURRENTLY scenarios_by_title ON scenarios (state, lower(title), id);
DROP INDEX CONCURRENTLY IF EXISTS scenarios_by_difficulty;
CREATE INDEX CONCURRENTLY scenarios_by_difficulty
    ON scenarios (state, difficulty, lower(title), id);
DROP INDEX CONCURRENTLY IF EXISTS scenarios_by_age;
CREATE INDEX CONCURRENTLY scenarios_by_age
    ON scenarios (state, coalesce(published_at, created_at), id);

-- +goose Down
DROP INDEX attempts_scenario, scenarios_search, scenarios_author, scenarios_editor,
    scenarios_by_profession, scenarios_by_title, scenarios_by_difficulty, scenarios_by_age;
