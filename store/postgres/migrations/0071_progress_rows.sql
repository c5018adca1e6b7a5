-- +goose NO TRANSACTION
-- The rows for the attempts that there are. Each statement is exact while the tables are in use,
-- and does nothing more when it is run again.

-- +goose Up
-- The scenario comes first, so that no plan takes this index for a page of a candidate's attempts.
DROP INDEX CONCURRENTLY IF EXISTS attempts_scenario_candidate;
CREATE INDEX CONCURRENTLY attempts_scenario_candidate ON attempts (scenario_id, candidate_id);

-- What is counted already is in the same snapshot as the attempts.
INSERT INTO practice_days AS d (tutor_id, day, scenario_id, created, prepared, started, ended,
    reported, waiting, preparing, playing, analysing, seconds)
SELECT * FROM (
    SELECT tutor_id, day, scenario_id, sum(created) AS created, sum(prepared) AS prepared,
        sum(started) AS started, sum(ended) AS ended, sum(reported) AS reported,
        sum(waiting) AS waiting, sum(preparing) AS preparing, sum(playing) AS playing,
        sum(analysing) AS analysing, sum(seconds) AS seconds
    FROM (SELECT * FROM practice_of_attempts
        UNION ALL SELECT tutor_id, day, scenario_id, -created, -prepared, -started, -ended,
            -reported, -waiting, -preparing, -playing, -analysing, -seconds FROM practice_sum) x
    GROUP BY tutor_id, day, scenario_id) n
WHERE (created, prepared, started, ended, reported, waiting, preparing, playing, analysing,
    seconds) <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
ON CONFLICT (coalesce(tutor_id, '00000000-0000-0000-0000-000000000000'), day, scenario_id)
DO UPDATE SET created = d.created + excluded.created, prepared = d.prepared + excluded.prepared,
    started = d.started + excluded.started, ended = d.ended + excluded.ended,
    reported = d.reported + excluded.reported, waiting = d.waiting + excluded.waiting,
    preparing = d.preparing + excluded.preparing, playing = d.playing + excluded.playing,
    analysing = d.analysing + excluded.analysing, seconds = d.seconds + excluded.seconds;

INSERT INTO progress SELECT * FROM progress_of_attempts ON CONFLICT DO NOTHING;

-- What changed while that ran.
-- +goose StatementBegin
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT user_id, scenario_id FROM progress_of_attempts v
        FULL JOIN progress p USING (user_id, scenario_id)
        WHERE (v.attempts, v.reported, v.practice_seconds, v.last_at)
            IS DISTINCT FROM (p.attempts, p.reported, p.practice_seconds, p.last_at)
        ORDER BY user_id, scenario_id
    LOOP
        PERFORM refresh_progress(one.user_id, one.scenario_id);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP INDEX attempts_scenario_candidate;
