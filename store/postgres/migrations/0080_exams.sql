-- +goose Up
-- A mock exam: two role plays of one profession, whose scenarios are chosen when it is created.
CREATE TABLE exams (
    id           uuid PRIMARY KEY,
    candidate_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    profession   text NOT NULL,
    consent      boolean NOT NULL,
    state        text NOT NULL CHECK (state IN ('warm_up', 'first', 'between', 'second',
                     'analysing', 'reported', 'failed', 'abandoned')),
    scenario_1   uuid NOT NULL,
    version_1    integer NOT NULL,
    scenario_2   uuid NOT NULL,
    version_2    integer NOT NULL,
    created_at   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    begun        boolean NOT NULL DEFAULT false, -- it has an attempt
    FOREIGN KEY (scenario_1, version_1) REFERENCES scenario_versions,
    FOREIGN KEY (scenario_2, version_2) REFERENCES scenario_versions
);
CREATE INDEX exams_candidate ON exams (candidate_id, id);
-- Those whose candidate is still needed.
CREATE INDEX exams_live ON exams (id) WHERE state IN ('warm_up', 'first', 'between', 'second');
-- Those that may be deleted, since nothing was begun.
CREATE INDEX exams_empty ON exams (ended_at) WHERE NOT begun;

-- An attempt has a place in one exam at most. Each place has one attempt, and one more that
-- replaces it when it failed.
ALTER TABLE attempts ADD COLUMN exam_id uuid REFERENCES exams ON DELETE CASCADE,
    ADD COLUMN exam_position smallint, ADD COLUMN exam_replaces boolean;

-- What an exam's result keeps of the report of one of its attempts: a report has megabytes.
CREATE TABLE exam_results (
    attempt_id uuid PRIMARY KEY REFERENCES attempts ON DELETE CASCADE,
    body       jsonb NOT NULL
);

-- +goose Down
DROP TABLE exam_results;
ALTER TABLE attempts DROP COLUMN exam_id, DROP COLUMN exam_position, DROP COLUMN exam_replaces;
DROP TABLE exams;
