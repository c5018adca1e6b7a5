-- +goose Up
-- Which media node may change the attempt: the latest one that took its room. Redis, which has the
-- leases of rooms, may lose its data; this number only rises.
ALTER TABLE attempts ADD COLUMN fence bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE attempts DROP COLUMN fence;
