-- +goose Up
-- Who plays the patient, and how strictly the role play is played. Attempts of mock exams are in
-- exam mode whatever the column says, so that those there are need no change.
ALTER TABLE attempts ADD COLUMN patient text NOT NULL DEFAULT 'tutor',
    ADD COLUMN mode text NOT NULL DEFAULT 'practice';

-- Whether an automatic patient can play the scenario, for lists.
ALTER TABLE scenarios ADD COLUMN has_dialogue boolean NOT NULL DEFAULT false;
UPDATE scenarios c SET has_dialogue = true FROM scenario_versions v
    WHERE v.scenario_id = c.id AND v.version = coalesce(c.published_version, c.version)
        AND jsonb_typeof(v.document->'dialogue') = 'object';

-- +goose Down
ALTER TABLE scenarios DROP COLUMN has_dialogue;
ALTER TABLE attempts DROP COLUMN patient, DROP COLUMN mode;
