-- +goose Up
CREATE TABLE scenarios (
    id                uuid PRIMARY KEY,
    slug              text NOT NULL UNIQUE,
    title             text NOT NULL,
    profession        text NOT NULL,
    summary           text NOT NULL,
    difficulty        integer NOT NULL,
    prepare_seconds   integer NOT NULL,
    play_seconds      integer NOT NULL,
    candidate_card    jsonb NOT NULL,
    interlocutor_card jsonb NOT NULL
);

CREATE TABLE attempts (
    id           uuid PRIMARY KEY,
    scenario_id  uuid NOT NULL REFERENCES scenarios,
    candidate_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    partner_id   uuid REFERENCES users ON DELETE SET NULL,
    state        text NOT NULL CHECK (state IN ('created', 'preparing', 'playing', 'analysing',
                     'reported', 'failed', 'abandoned')),
    consent      boolean NOT NULL,
    created_at   timestamptz NOT NULL,
    prepared_at  timestamptz,
    started_at   timestamptz,
    ended_at     timestamptz,
    problem      text NOT NULL DEFAULT ''
);
-- Ids are UUID v7, so they sort by creation time.
CREATE INDEX attempts_candidate ON attempts (candidate_id, id DESC);
CREATE INDEX attempts_partner ON attempts (partner_id, id DESC) WHERE partner_id IS NOT NULL;
CREATE INDEX attempts_unfinished ON attempts (state)
    WHERE state IN ('created', 'preparing', 'playing', 'analysing');

-- The body is gzipped JSON. A report of five minutes has megabytes of points, and no query reads
-- them.
CREATE TABLE reports (
    attempt_id uuid PRIMARY KEY REFERENCES attempts ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    body       bytea NOT NULL
);
ALTER TABLE reports ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE recordings (
    attempt_id uuid NOT NULL REFERENCES attempts ON DELETE CASCADE,
    speaker    text NOT NULL CHECK (speaker IN ('candidate', 'patient')),
    key        text NOT NULL,
    bytes      bigint NOT NULL,
    duration_s double precision NOT NULL,
    PRIMARY KEY (attempt_id, speaker)
);

-- +goose Down
DROP TABLE recordings;
DROP TABLE reports;
DROP TABLE attempts;
DROP TABLE scenarios;
