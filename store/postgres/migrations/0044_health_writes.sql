-- +goose Up
-- Written by the health checks of all processes, each to one of a few rows, so that a database
-- that refuses writes is noticed.
CREATE TABLE health_writes (
    slot smallint PRIMARY KEY,
    written_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE health_writes;
