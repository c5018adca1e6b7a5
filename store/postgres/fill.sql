-- Fills a database with many users and attempts. The Go code replaces {users}, {attempts}, {heavy}
-- and {tutors}, and runs one step after the other. Ids follow from row numbers, so that rows can
-- refer to each other without reading them. Foreign keys are not checked, and triggers do not run,
-- which would take most of the time.
-- step: settings
SET LOCAL session_replication_role = replica;
SET LOCAL synchronous_commit = off;
SET LOCAL work_mem = '256MB';
SET LOCAL maintenance_work_mem = '512MB';

-- step: indexes dropped
-- Indexes are made at the end, which is faster.
CREATE TEMP TABLE later AS SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename IN ('users', 'sessions', 'attempts', 'acts')
    AND indexname NOT IN (SELECT conname FROM pg_constraint);
DO $$ DECLARE i record; BEGIN
    FOR i IN SELECT * FROM later LOOP EXECUTE 'DROP INDEX ' || i.indexname; END LOOP;
END $$;

-- id returns a UUID v7 of a time, with the number n of a kind of rows instead of random bits.
CREATE FUNCTION pg_temp.id(at timestamptz, kind text, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
AS $$ SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
    || '7' || substr(md5(kind || n), 1, 3) || '8' || substr(md5(kind || n), 4, 15))::uuid $$;

-- die returns a number from 0 up to sides, always the same for n.
CREATE FUNCTION pg_temp.die(n bigint, sides bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
AS $$ SELECT (hashint8(n)::bigint & 2147483647) % sides $$;

-- Two years end at the start of the hour in which this runs.
CREATE FUNCTION pg_temp.moment(n bigint, total bigint) RETURNS timestamptz LANGUAGE sql STABLE
AS $$ SELECT date_trunc('hour', now()) - interval '730 days' * (1 - n::float8 / total) $$;

CREATE TEMP TABLE person AS
SELECT n, at, pg_temp.id(at, 'user', n) AS id
FROM (SELECT n, pg_temp.moment(n, {users}) AS at FROM generate_series(1, {users}) n) x;
ANALYZE person;

-- step: users
-- The first users are tutors, but for the very first, who is an administrator. Every two hundredth
-- account is disabled, and every hundredth of the last week is not confirmed.
INSERT INTO users (id, email, name, role, profession, target_grade, password_hash, disabled,
    verified_at, created_at, updated_at, pending_from)
SELECT id,
    lower(first[1 + pg_temp.die(n, 20)]) || '.' || lower(last[1 + pg_temp.die(n * 7, 25)]) || n
        || '@' || host[1 + pg_temp.die(n * 3, 5)],
    first[1 + pg_temp.die(n, 20)] || ' ' || last[1 + pg_temp.die(n * 7, 25)],
    CASE WHEN n = 1 THEN 'admin' WHEN n <= {tutors} THEN 'tutor' ELSE 'candidate' END,
    (ARRAY['nursing', 'medicine', 'pharmacy', 'dentistry'])[1 + pg_temp.die(n, 4)], 'B',
    '$2a$12$' || repeat('x', 53), n % 200 = 199, CASE WHEN n % 100 < 99 THEN at END, at, at,
    CASE WHEN n % 100 = 99 AND n > {users} * 0.99 THEN '192.0.2.1' ELSE '' END
FROM person, (SELECT ARRAY['Dana', 'Theo', 'Ada', 'Maria', 'Wei', 'Fatima', 'Ivan', 'Grace',
        'Amina', 'Luis', 'Priya', 'Noor', 'Elena', 'Kofi', 'Hana', 'Omar', 'Lucia', 'Arjun', 'Mei',
        'Tomas'] AS first,
    ARRAY['Kovac', 'Marsh', 'Finch', 'Santos', 'Zhang', 'Haddad', 'Petrov', 'Okafor', 'Ndiaye',
        'Reyes', 'Sharma', 'Rahman', 'Popescu', 'Mensah', 'Novak', 'Farouk', 'Rossi', 'Patel',
        'Lin', 'Dvorak', 'Silva', 'Kim', 'Nguyen', 'Garcia', 'Ahmed'] AS last,
    ARRAY['example.org', 'mail.example', 'post.example', 'clinic.example', 'nhs.example'] AS host
) w;

-- step: sessions
-- Two sessions for each user, of the last four weeks; two in five are live.
INSERT INTO sessions (id, user_id, refresh_hash, user_agent, ip, fingerprint, created_at,
    last_seen_at, expires_at, max_expires_at, ended_at, end_reason)
SELECT pg_temp.id(x.at, 'session', x.n), p.id, sha256(x.n::text::bytea),
    'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
    '192.0.2.' || x.n % 256, md5(x.n::text), x.at, x.at, x.at + interval '30 days',
    x.at + interval '90 days', CASE WHEN x.n % 5 > 1 THEN x.at + interval '1 day' END,
    CASE WHEN x.n % 5 > 1 THEN 'signed_out' ELSE '' END
FROM (SELECT n, date_trunc('hour', now())
        - interval '28 days' * pg_temp.die(n, 10000) / 10000 AS at
    FROM generate_series(1, 2 * {users}) n) x JOIN person p ON p.n = 1 + x.n % {users};

-- step: attempts
-- A tenth of the attempts belongs to {heavy} candidates, and the others to everybody. Half have a
-- partner, and of these a quarter the same one. A tenth are of mock exams.
INSERT INTO attempts (id, scenario_id, candidate_id, partner_id, state, consent, created_at,
    prepared_at, started_at, ended_at, problem, exam_id, exam_position, exam_replaces)
SELECT pg_temp.id(x.at, 'attempt', x.n),
    scenarios[1 + pg_temp.die(x.n, array_length(scenarios, 1))], c.id, p.id, state, true, x.at,
    CASE WHEN state <> 'created' THEN x.at END,
    CASE WHEN state IN ('reported', 'failed', 'playing', 'analysing')
        THEN x.at + interval '3 minutes' END,
    CASE WHEN state IN ('reported', 'failed', 'analysing', 'abandoned')
        THEN x.at + interval '8 minutes' END,
    CASE WHEN state = 'failed' THEN 'Nothing was heard' ELSE '' END,
    CASE WHEN x.n % 20 IN (0, 3) THEN pg_temp.id(x.at, 'exam', x.n) END,
    CASE WHEN x.n % 20 IN (0, 3) THEN 1 END, CASE WHEN x.n % 20 IN (0, 3) THEN false END
FROM (SELECT n, pg_temp.moment(n, {attempts}) AS at,
        {tutors} + CASE WHEN n % 10 = 0 THEN 1 + pg_temp.die(n, {heavy})
            ELSE 1 + {heavy} + pg_temp.die(n, {users} - {tutors} - {heavy}) END AS candidate,
        CASE WHEN n % 8 = 1 THEN 2
            WHEN n % 8 IN (3, 5, 7) THEN 3 + pg_temp.die(n * 11, {tutors} - 2) END AS partner,
        CASE WHEN n > {attempts} - 300 THEN (ARRAY['created', 'preparing', 'playing',
                'analysing', 'reported'])[1 + n % 5]
            WHEN n % 20 = 0 THEN 'abandoned' WHEN n % 25 = 1 THEN 'failed' ELSE 'reported'
            END AS state
    FROM generate_series(1, {attempts}) n) x
JOIN person c ON c.n = candidate LEFT JOIN person p ON p.n = partner,
    (SELECT array_agg(id ORDER BY slug) AS scenarios FROM scenarios) s;

INSERT INTO exams (id, candidate_id, profession, consent, state, scenario_1, version_1, scenario_2,
    version_2, created_at, changed_at, ended_at, begun)
SELECT exam_id, candidate_id, 'nursing', true,
    CASE WHEN state IN ('created', 'preparing', 'playing') THEN 'first' ELSE state END,
    scenario_id, 1, scenario_id, 1, created_at, created_at, ended_at, true
FROM attempts WHERE exam_id IS NOT NULL;

INSERT INTO exam_results (attempt_id, body)
SELECT id, '{}' FROM attempts WHERE exam_id IS NOT NULL AND state = 'reported';

-- step: reports
-- The bodies of reports are small, but for one of ten thousand, since they are not looked at.
INSERT INTO reports (attempt_id, created_at, body)
SELECT id, ended_at, decode(repeat(md5(id::text), CASE WHEN x % 10000 = 0 THEN 5000 ELSE 20 END),
    'hex')
FROM (SELECT id, ended_at, row_number() OVER () AS x FROM attempts
    WHERE state = 'reported' AND candidate_id IN (SELECT id FROM person)) a;

-- step: recordings
INSERT INTO recordings (attempt_id, speaker, key, bytes, duration_s)
SELECT a.id, s, 'attempts/' || a.id || '/' || s || '.ogg', 1200000, 300
FROM attempts a, (VALUES ('candidate'), ('patient')) x(s)
WHERE a.state = 'reported' AND a.candidate_id IN (SELECT id FROM person);

-- step: acts and the rest
-- One act for each attempt, a third of them by strangers.
INSERT INTO acts (id, at, action, outcome, actor_id, user_id, session_id, object, ip, user_agent)
SELECT pg_temp.id(x.at, 'act', x.n), x.at,
    (ARRAY['session.start', 'session.end', 'user.change_profile', 'user.export'])[1 + x.n % 4],
    'done', CASE WHEN x.n % 3 > 0 THEN p.id END, p.id, NULL, '', '192.0.2.' || x.n % 256,
    'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0'
FROM (SELECT n, now() - interval '399 days' * (1 - n::float8 / {attempts}) AS at,
        1 + pg_temp.die(n, CASE WHEN n % 10 = 0 THEN {heavy} ELSE {users} END) AS owner
    FROM generate_series(1, {attempts}) n) x JOIN person p ON p.n = owner;

INSERT INTO act_tallies (act_id, hour, network, action, outcome, detail, user_id, count, last_at)
SELECT id, date_trunc('hour', at), ip, action, outcome, id::text, user_id, 3, at FROM acts
WHERE actor_id IS NULL AND substr(id::text, 36) < '4';

INSERT INTO mail_tokens (hash, user_id, purpose, email, created_at, expires_at)
SELECT sha256(('t' || n)::bytea), id, 'reset', 'x@example.org', now(),
    now() + interval '10 minutes' * (n % 100)
FROM person WHERE n % 2 = 0;

INSERT INTO exports (id, user_id, state, created_at, expires_at)
SELECT pg_temp.id(now(), 'export', n), id, 'ready', now(),
    now() + interval '1 day' + interval '1 minute' * (n % 9000)
FROM person WHERE n % 2 = 0;

-- A day's mails.
INSERT INTO river_job (state, kind, args, max_attempts, finalized_at, attempted_at, attempt)
SELECT 'completed', 'mail', jsonb_build_object('user_id', id, 'to', n || '@example.org',
    'letter', 'device-ended'), 13, now(), now(), 1
FROM person WHERE n % 4 = 0;

-- step: indexes
DO $$ DECLARE i record; BEGIN
    FOR i IN SELECT * FROM later LOOP EXECUTE i.indexdef; END LOOP;
END $$;

-- step: results and progress
-- Every tenth report has scores.
INSERT INTO results (attempt_id, criterion, candidate_id, at, low, high)
SELECT a.id, c.name, a.candidate_id, a.started_at, low * c.top, (low + 0.1) * c.top
FROM (SELECT *, pg_temp.die(x, 90) / 100.0 AS low FROM (
        SELECT id, candidate_id, started_at, row_number() OVER (ORDER BY id) AS x
        FROM attempts
        WHERE state = 'reported' AND candidate_id IN (SELECT id FROM person)) r
    WHERE x % 10 = 0) a,
    (VALUES ('overall', 500), ('intelligibility', 6), ('fluency', 6), ('appropriateness', 6),
        ('grammar', 6), ('relationship', 3), ('perspective', 3), ('structure', 3),
        ('gathering', 3), ('giving', 3)) c(name, top);

-- What triggers would have kept. Every fourth candidate has marked a scenario.
INSERT INTO progress SELECT * FROM progress_of_attempts ON CONFLICT DO NOTHING;
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
INSERT INTO scenario_marks (user_id, scenario_id, bookmarked_at, notes, updated_at)
SELECT p.id, s.id, p.at, 'Ask first.', p.at
FROM person p, (SELECT id FROM scenarios ORDER BY slug LIMIT 1) s WHERE p.n % 4 = 0;
-- Every fourth candidate has read sentences at a microphone, and every second attempt has a link.
INSERT INTO hearings (user_id, microphone, model, mean, gain, measured_at, used_at)
SELECT id, 'built-in', 'packaged', '{}', 0, at, at FROM person WHERE n % 4 = 0;
INSERT INTO invitations (attempt_id, token_hash, expires_at)
SELECT a.id, decode(md5(a.id::text), 'hex'), a.at
FROM (SELECT id, created_at AS at, row_number() OVER (ORDER BY id) AS n FROM attempts) a
WHERE a.n % 2 = 0;
