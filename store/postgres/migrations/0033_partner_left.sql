-- +goose Up
-- Whoever played the patient has deleted their account: their voice is not kept, should the report still be in the making.
ALTER TABLE attempts ADD COLUMN partner_left boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE attempts DROP COLUMN partner_left;
