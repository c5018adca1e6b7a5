-- +goose Up
-- A user's progress follows from attempts and results. Triggers keep it, in the transaction of
-- each change, because attempts change in many ways: a play, a report, the sweeps, a deleted
-- account.

-- Scores of reported attempts. The criterion 'overall' is the result of the whole.
CREATE TABLE results (
    attempt_id   uuid NOT NULL REFERENCES attempts ON DELETE CASCADE,
    criterion    text NOT NULL CHECK (length(criterion) BETWEEN 1 AND 40),
    candidate_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    at           timestamptz NOT NULL,
    low          real NOT NULL,
    high         real NOT NULL CHECK (high >= low),
    PRIMARY KEY (attempt_id, criterion)
);
CREATE INDEX results_candidate ON results (candidate_id, criterion, at);

-- There is a row exactly when the user has played the scenario, which begins with the play.
CREATE TABLE progress (
    user_id          uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    scenario_id      uuid NOT NULL REFERENCES scenarios ON DELETE CASCADE,
    attempts         integer NOT NULL DEFAULT 0,
    reported         integer NOT NULL DEFAULT 0,
    practice_seconds integer NOT NULL DEFAULT 0,
    last_at          timestamptz,
    best_attempt     uuid, -- the attempt with the best result
    latest_attempt   uuid, -- the latest attempt that has a result
    PRIMARY KEY (user_id, scenario_id)
);
CREATE INDEX progress_scenario ON progress (scenario_id);

-- What users themselves note about a scenario.
CREATE TABLE scenario_marks (
    user_id       uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    scenario_id   uuid NOT NULL REFERENCES scenarios ON DELETE CASCADE,
    bookmarked_at timestamptz,
    card_read_at  timestamptz,
    notes         text NOT NULL DEFAULT '' CHECK (length(notes) <= 4000),
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (user_id, scenario_id)
);
CREATE INDEX scenario_marks_scenario ON scenario_marks (scenario_id);

-- Attempts by the day (UTC) on which they were created, and how far they came. Rows without a
-- tutor count all attempts, the others those in which the tutor played the patient.
CREATE TABLE practice_days (
    tutor_id    uuid REFERENCES users ON DELETE CASCADE,
    day         date NOT NULL,
    scenario_id uuid NOT NULL REFERENCES scenarios ON DELETE CASCADE,
    created     integer NOT NULL DEFAULT 0,
    prepared    integer NOT NULL DEFAULT 0,
    started     integer NOT NULL DEFAULT 0,
    ended       integer NOT NULL DEFAULT 0,
    reported    integer NOT NULL DEFAULT 0,
    waiting     integer NOT NULL DEFAULT 0, -- the states of those that go on
    preparing   integer NOT NULL DEFAULT 0,
    playing     integer NOT NULL DEFAULT 0,
    analysing   integer NOT NULL DEFAULT 0,
    seconds     bigint NOT NULL DEFAULT 0,  -- of play
    unjoined    integer NOT NULL DEFAULT 0  -- removed by the sweep, as nobody had joined them
);
CREATE UNIQUE INDEX practice_days_key ON practice_days
    (coalesce(tutor_id, '00000000-0000-0000-0000-000000000000'), day, scenario_id);
CREATE INDEX practice_days_tutor ON practice_days (tutor_id) WHERE tutor_id IS NOT NULL;
CREATE INDEX practice_days_scenario ON practice_days (scenario_id);
CREATE INDEX practice_days_empty ON practice_days (day) WHERE created = 0 AND unjoined = 0;

-- Differences to practice_days, which a job adds to it every minute. A change of an attempt adds
-- rows here instead of locking the row of a day, for which others would wait.
CREATE TABLE practice_changes (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tutor_id    uuid REFERENCES users ON DELETE CASCADE,
    day         date NOT NULL,
    scenario_id uuid NOT NULL REFERENCES scenarios ON DELETE CASCADE,
    created     integer NOT NULL DEFAULT 0,
    prepared    integer NOT NULL DEFAULT 0,
    started     integer NOT NULL DEFAULT 0,
    ended       integer NOT NULL DEFAULT 0,
    reported    integer NOT NULL DEFAULT 0,
    waiting     integer NOT NULL DEFAULT 0,
    preparing   integer NOT NULL DEFAULT 0,
    playing     integer NOT NULL DEFAULT 0,
    analysing   integer NOT NULL DEFAULT 0,
    seconds     bigint NOT NULL DEFAULT 0,
    unjoined    integer NOT NULL DEFAULT 0
);
CREATE INDEX practice_changes_tutor ON practice_changes (tutor_id) WHERE tutor_id IS NOT NULL;

-- practice_sum adds the two up. It is exact at any time.
CREATE VIEW practice_sum AS
SELECT tutor_id, day, scenario_id, created, prepared, started, ended, reported, waiting, preparing,
    playing, analysing, seconds, unjoined FROM practice_days
UNION ALL
SELECT tutor_id, day, scenario_id, created, prepared, started, ended, reported, waiting, preparing,
    playing, analysing, seconds, unjoined FROM practice_changes;

-- practice_seconds returns how long a play was, at most half an hour, which is the longest that a
-- scenario can be: when a server was lost, the end of its play is when that was noticed.
-- +goose StatementBegin
CREATE FUNCTION practice_seconds(started_at timestamptz, ended_at timestamptz) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT greatest(0, least(1800,
        coalesce(floor(extract(epoch FROM ended_at - started_at)), 0)))::integer
$$;
-- +goose StatementEnd

-- What progress has to be.
CREATE VIEW progress_of_attempts AS
SELECT a.candidate_id AS user_id, a.scenario_id, count(*)::integer AS attempts,
    (count(*) FILTER (WHERE a.state = 'reported'))::integer AS reported,
    sum(practice_seconds(a.started_at, a.ended_at))::integer AS practice_seconds,
    max(a.started_at) AS last_at,
    (array_agg(a.id ORDER BY r.low + r.high DESC, a.id DESC)
        FILTER (WHERE r.attempt_id IS NOT NULL))[1] AS best_attempt,
    (array_agg(a.id ORDER BY r.at DESC, a.id DESC)
        FILTER (WHERE r.attempt_id IS NOT NULL))[1] AS latest_attempt
FROM attempts a LEFT JOIN results r ON r.attempt_id = a.id AND r.criterion = 'overall'
WHERE a.started_at IS NOT NULL
GROUP BY a.candidate_id, a.scenario_id;

-- What practice_sum has to be, apart from unjoined.
CREATE VIEW practice_of_attempts AS
SELECT t.tutor_id, (a.created_at AT TIME ZONE 'UTC')::date AS day, a.scenario_id,
    count(*) AS created,
    count(*) FILTER (WHERE a.prepared_at IS NOT NULL OR a.started_at IS NOT NULL) AS prepared,
    count(*) FILTER (WHERE a.started_at IS NOT NULL) AS started,
    count(*) FILTER (WHERE a.started_at IS NOT NULL AND a.ended_at IS NOT NULL) AS ended,
    count(*) FILTER (WHERE a.state = 'reported') AS reported,
    count(*) FILTER (WHERE a.state = 'created') AS waiting,
    count(*) FILTER (WHERE a.state = 'preparing') AS preparing,
    count(*) FILTER (WHERE a.state = 'playing') AS playing,
    count(*) FILTER (WHERE a.state = 'analysing') AS analysing,
    sum(practice_seconds(a.started_at, a.ended_at)) AS seconds
FROM attempts a CROSS JOIN LATERAL
    (SELECT NULL::uuid AS tutor_id UNION ALL SELECT a.partner_id WHERE a.partner_id IS NOT NULL) t
GROUP BY t.tutor_id, day, a.scenario_id;

-- refresh_progress makes one row of progress follow from the attempts. It locks the row first, and
-- reads the attempts in a later statement, so that it sees those of whoever had the lock before.
-- +goose StatementBegin
CREATE FUNCTION refresh_progress(candidate uuid, scenario uuid) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    LOOP
        PERFORM FROM progress WHERE user_id = candidate AND scenario_id = scenario FOR UPDATE;
        EXIT WHEN FOUND;
        IF NOT EXISTS (SELECT FROM attempts WHERE candidate_id = candidate
                AND scenario_id = scenario AND started_at IS NOT NULL)
            OR NOT EXISTS (SELECT FROM users WHERE id = candidate) THEN
            RETURN; -- nothing was played, or the account is being deleted
        END IF;
        INSERT INTO progress (user_id, scenario_id) VALUES (candidate, scenario)
            ON CONFLICT DO NOTHING;
    END LOOP;
    UPDATE progress p SET attempts = v.attempts, reported = v.reported,
        practice_seconds = v.practice_seconds, last_at = v.last_at,
        best_attempt = v.best_attempt, latest_attempt = v.latest_attempt
    FROM progress_of_attempts v
    WHERE p.user_id = candidate AND p.scenario_id = scenario
        AND v.user_id = candidate AND v.scenario_id = scenario;
    IF NOT FOUND THEN
        DELETE FROM progress WHERE user_id = candidate AND scenario_id = scenario;
    END IF;
END $$;
-- +goose StatementEnd

-- attempts_changed runs after each statement that changes attempts. The tables of the rows before
-- and after it are only there where they exist, so that the queries are put together.
-- +goose StatementBegin
CREATE FUNCTION attempts_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    columns CONSTANT text := ' id, candidate_id, scenario_id, partner_id, state, created_at,'
        ' prepared_at, started_at, ended_at FROM ';
    source text;
    one record;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NOT EXISTS (
            SELECT id, candidate_id, scenario_id, partner_id, state, created_at, prepared_at,
                started_at, ended_at FROM after
            EXCEPT SELECT id, candidate_id, scenario_id, partner_id, state, created_at,
                prepared_at, started_at, ended_at FROM before) THEN
            RETURN NULL;
        END IF;
    END IF;
    source := concat_ws(' UNION ALL ',
        CASE WHEN TG_OP <> 'DELETE' THEN 'SELECT 1 AS n,' || columns || 'after' END,
        CASE WHEN TG_OP <> 'INSERT' THEN 'SELECT -1 AS n,' || columns || 'before' END);
    EXECUTE 'INSERT INTO practice_changes (tutor_id, day, scenario_id, created, prepared, started,
            ended, reported, waiting, preparing, playing, analysing, seconds)
        SELECT * FROM (
            SELECT t.tutor_id, (a.created_at AT TIME ZONE ''UTC'')::date AS day, a.scenario_id,
                sum(n) AS created,
                sum(n * (a.prepared_at IS NOT NULL OR a.started_at IS NOT NULL)::int) AS prepared,
                sum(n * (a.started_at IS NOT NULL)::int) AS started,
                sum(n * (a.started_at IS NOT NULL AND a.ended_at IS NOT NULL)::int) AS ended,
                sum(n * (a.state = ''reported'')::int) AS reported,
                sum(n * (a.state = ''created'')::int) AS waiting,
                sum(n * (a.state = ''preparing'')::int) AS preparing,
                sum(n * (a.state = ''playing'')::int) AS playing,
                sum(n * (a.state = ''analysing'')::int) AS analysing,
                sum(n * practice_seconds(a.started_at, a.ended_at)) AS seconds
            FROM (' || source || ') a CROSS JOIN LATERAL (SELECT NULL::uuid AS tutor_id
                UNION ALL SELECT u.id FROM users u WHERE u.id = a.partner_id) t
            GROUP BY t.tutor_id, day, a.scenario_id) d
        WHERE (created, prepared, started, ended, reported, waiting, preparing, playing, analysing,
            seconds) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)';
    FOR one IN EXECUTE 'SELECT DISTINCT candidate_id, scenario_id FROM (' || source || ') a
        WHERE started_at IS NOT NULL ORDER BY candidate_id, scenario_id' LOOP
        PERFORM refresh_progress(one.candidate_id, one.scenario_id);
    END LOOP;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER attempts_inserted AFTER INSERT ON attempts REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION attempts_changed();
CREATE TRIGGER attempts_updated AFTER UPDATE ON attempts
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION attempts_changed();
CREATE TRIGGER attempts_deleted AFTER DELETE ON attempts REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION attempts_changed();

-- +goose StatementBegin
CREATE FUNCTION results_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    attempt uuid := coalesce(NEW.attempt_id, OLD.attempt_id);
    one record;
BEGIN
    FOR one IN SELECT candidate_id, scenario_id FROM attempts WHERE id = attempt LOOP
        PERFORM refresh_progress(one.candidate_id, one.scenario_id);
    END LOOP;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER results_written AFTER INSERT OR UPDATE ON results
    FOR EACH ROW WHEN (NEW.criterion = 'overall') EXECUTE FUNCTION results_changed();
CREATE TRIGGER results_deleted AFTER DELETE ON results
    FOR EACH ROW WHEN (OLD.criterion = 'overall') EXECUTE FUNCTION results_changed();

-- +goose Down
DROP TRIGGER attempts_inserted ON attempts;
DROP TRIGGER attempts_updated ON attempts;
DROP TRIGGER attempts_deleted ON attempts;
DROP FUNCTION attempts_changed, refresh_progress;
DROP VIEW progress_of_attempts, practice_of_attempts, practice_sum;
DROP TABLE results, progress, scenario_marks, practice_days, practice_changes;
DROP FUNCTION results_changed, practice_seconds;
