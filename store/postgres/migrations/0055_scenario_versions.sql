-- +goose Up
-- Every text that a scenario has had. An attempt is of one version, which never changes, so a
-- report always shows what was played.
CREATE TABLE scenario_versions (
    scenario_id uuid NOT NULL REFERENCES scenarios ON DELETE CASCADE,
    version     integer NOT NULL,
    slug        text NOT NULL,
    title       text NOT NULL,
    profession  text NOT NULL,
    document    jsonb NOT NULL,
    note        text NOT NULL DEFAULT '',
    created_by  uuid REFERENCES users ON DELETE SET NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (scenario_id, version)
);
CREATE INDEX scenario_versions_author ON scenario_versions (created_by)
    WHERE created_by IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION scenario_versions_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- An author whose account is deleted is forgotten.
    IF NEW.created_by IS NULL AND
       (NEW.scenario_id, NEW.version, NEW.slug, NEW.title, NEW.profession, NEW.document, NEW.note,
        NEW.created_at) =
       (OLD.scenario_id, OLD.version, OLD.slug, OLD.title, OLD.profession, OLD.document, OLD.note,
        OLD.created_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a version of a scenario never changes';
END $$;
-- +goose StatementEnd
CREATE TRIGGER scenario_versions_stay BEFORE UPDATE ON scenario_versions FOR EACH ROW
    EXECUTE FUNCTION scenario_versions_stay();

-- unaccented returns a text without accents, where the database can tell them from letters.
-- +goose StatementBegin
CREATE FUNCTION unaccented(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN getdatabaseencoding() = 'UTF8'
        THEN regexp_replace(normalize(t, NFKD), '[\u0300-\u036f]', '', 'g') ELSE t END
$$;
-- +goose StatementEnd

-- scenario_words returns the words of a text, both as written, which the beginning of a word
-- finds, and as their stems.
-- +goose StatementBegin
CREATE FUNCTION scenario_words(t text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('english', unaccented(coalesce(t, '')))
        || to_tsvector('simple', unaccented(coalesce(t, '')))
$$;
-- +goose StatementEnd

-- scenario_search returns what a search for a scenario compares: only what its candidate may read.
-- +goose StatementBegin
CREATE FUNCTION scenario_search(d jsonb) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT setweight(scenario_words(d->>'title'), 'A')
        || setweight(scenario_words(translate(concat_ws(' ', d->>'profession', d->>'setting',
            d->>'clinical_focus', d->>'tags'), '-"[],', '     ')), 'B')
        || setweight(scenario_words(d->>'summary'), 'C')
        || setweight(scenario_words(concat_ws(' ', d#>>'{candidate_card,setting}',
            d#>>'{candidate_card,role}', d#>>'{candidate_card,background}',
            (SELECT string_agg(coalesce(t->>'text', t#>>'{}'), ' ')
                FROM jsonb_array_elements(d#>'{candidate_card,tasks}') t))), 'D')
$$;
-- +goose StatementEnd

-- The columns that lists and searches use are those of the published version, or of the latest one
-- while none was published.
ALTER TABLE scenarios
    ADD COLUMN state             text NOT NULL DEFAULT 'published',
    ADD COLUMN version           integer NOT NULL DEFAULT 1, -- the latest
    ADD COLUMN published_version integer DEFAULT 1,          -- null: none was published
    ADD COLUMN setting           text NOT NULL DEFAULT '',
    ADD COLUMN clinical_focus    text NOT NULL DEFAULT '',
    ADD COLUMN criteria          text[] NOT NULL DEFAULT '{}',
    ADD COLUMN tags              text[] NOT NULL DEFAULT '{}',
    ADD COLUMN picture           jsonb,
    ADD COLUMN search            tsvector NOT NULL DEFAULT '',
    ADD COLUMN built_in          boolean NOT NULL DEFAULT true, -- came with the program
    ADD COLUMN edited            boolean NOT NULL DEFAULT false, -- by somebody
    ADD COLUMN created_by        uuid REFERENCES users ON DELETE SET NULL,
    ADD COLUMN updated_by        uuid REFERENCES users ON DELETE SET NULL,
    ADD COLUMN created_at        timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN updated_at        timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN published_at      timestamptz DEFAULT now();

INSERT INTO scenario_versions (scenario_id, version, slug, title, profession, document, created_at)
SELECT id, 1, slug, title, profession, jsonb_build_object('schema', 'scenario/1', 'slug', slug,
    'title', title, 'profession', profession, 'summary', summary, 'difficulty', difficulty,
    'prepare_seconds', prepare_seconds, 'play_seconds', play_seconds,
    'candidate_card', candidate_card, 'interlocutor_card', interlocutor_card), created_at
FROM scenarios;

UPDATE scenarios c SET search = scenario_search(v.document)
FROM scenario_versions v WHERE v.scenario_id = c.id;

ALTER TABLE scenarios
    DROP COLUMN candidate_card, DROP COLUMN interlocutor_card,
    ALTER COLUMN state DROP DEFAULT, ALTER COLUMN version DROP DEFAULT,
    ALTER COLUMN published_version DROP DEFAULT, ALTER COLUMN built_in DROP DEFAULT,
    ALTER COLUMN created_at DROP DEFAULT, ALTER COLUMN updated_at DROP DEFAULT,
    ALTER COLUMN published_at DROP DEFAULT,
    ADD CONSTRAINT scenarios_state_check CHECK (state IN ('draft', 'published', 'archived') AND
        (state = 'published' AND published_version IS NOT NULL OR state = 'archived' OR
        state = 'draft' AND published_version IS NULL)) NOT VALID;

ALTER TABLE attempts ADD COLUMN scenario_version integer NOT NULL DEFAULT 1;
ALTER TABLE attempts ADD CONSTRAINT attempts_scenario_version_fkey
    FOREIGN KEY (scenario_id, scenario_version) REFERENCES scenario_versions NOT VALID;

-- Each change of scenarios, in whichever way, gives the catalogue another generation. What is
-- cached of the catalogue has its generation in the key. The token tells it from those of a
-- database that was restored, whose numbers come again. A transaction changes it once.
CREATE TABLE catalogue_generation (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    number      bigint NOT NULL,
    token       uuid NOT NULL,
    transaction xid8 NOT NULL
);
INSERT INTO catalogue_generation (number, token, transaction)
VALUES (1, gen_random_uuid(), pg_current_xact_id());
-- +goose StatementBegin
CREATE FUNCTION scenarios_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE catalogue_generation SET number = number + 1, token = gen_random_uuid(),
        transaction = pg_current_xact_id() WHERE transaction <> pg_current_xact_id();
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER scenarios_change AFTER INSERT OR UPDATE OR DELETE ON scenarios
    FOR EACH ROW EXECUTE FUNCTION scenarios_change();

-- +goose Down
DROP TRIGGER scenarios_change ON scenarios;
DROP FUNCTION scenarios_change;
DROP TABLE catalogue_generation;
ALTER TABLE attempts DROP COLUMN scenario_version;
ALTER TABLE scenarios ADD COLUMN candidate_card jsonb, ADD COLUMN interlocutor_card jsonb;
DELETE FROM scenarios WHERE published_version IS NULL;
UPDATE scenarios c SET candidate_card = v.document->'candidate_card',
    interlocutor_card = v.document->'interlocutor_card'
FROM scenario_versions v WHERE (v.scenario_id, v.version) = (c.id, c.published_version);
ALTER TABLE scenarios DROP COLUMN state, DROP COLUMN version, DROP COLUMN published_version,
    DROP COLUMN setting, DROP COLUMN clinical_focus, DROP COLUMN criteria, DROP COLUMN tags,
    DROP COLUMN picture, DROP COLUMN search, DROP COLUMN built_in, DROP COLUMN edited,
    DROP COLUMN created_by, DROP COLUMN updated_by, DROP COLUMN created_at,
    DROP COLUMN updated_at, DROP COLUMN published_at,
    ALTER COLUMN candidate_card SET NOT NULL, ALTER COLUMN interlocutor_card SET NOT NULL;
DROP FUNCTION scenario_search;
DROP FUNCTION scenario_words;
DROP FUNCTION unaccented;
DROP TABLE scenario_versions;
DROP FUNCTION scenario_versions_stay;
