-- +goose Up
-- Whether a role play that failed was repeated. It stays when the repetition is deleted.
ALTER TABLE exams ADD COLUMN replaced_1 boolean NOT NULL DEFAULT false,
    ADD COLUMN replaced_2 boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE exams DROP COLUMN replaced_1, DROP COLUMN replaced_2;
