-- +goose Up
-- Whether the partner has deleted the account. Then a report that is saved later must not keep the
-- recording of the partner.
ALTER TABLE attempts ADD COLUMN partner_left boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE attempts DROP COLUMN partner_left;
