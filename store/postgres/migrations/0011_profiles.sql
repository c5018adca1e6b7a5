-- +goose Up
ALTER TABLE users
    ADD COLUMN target_grade text NOT NULL DEFAULT ''
        CHECK (target_grade IN ('', 'A', 'B', 'C+', 'C')),
    ADD COLUMN test_date date,
    ADD COLUMN time_zone text NOT NULL DEFAULT '' CHECK (length(time_zone) <= 64),
    ADD COLUMN locale text NOT NULL DEFAULT '' CHECK (length(locale) <= 35),
    ADD COLUMN verified_at timestamptz;
-- The list of accounts is filtered by role and paged by id.
CREATE INDEX users_role ON users (role, id DESC);

-- +goose Down
DROP INDEX users_role;
ALTER TABLE users DROP COLUMN target_grade, DROP COLUMN test_date, DROP COLUMN time_zone,
    DROP COLUMN locale, DROP COLUMN verified_at;
