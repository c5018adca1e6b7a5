-- +goose Up
-- A file of media in the blob store. The row is there before the file is written and after it is
-- removed, and is locked while that is done, so that there is never a file without a row.
CREATE TABLE media_blobs (
    key        text PRIMARY KEY,
    touched_at timestamptz NOT NULL -- when an upload last wanted to write it
);
CREATE INDEX media_blobs_touched ON media_blobs (touched_at);

CREATE TABLE media (
    id          uuid PRIMARY KEY,
    owner_id    uuid REFERENCES users ON DELETE SET NULL,
    kind        text NOT NULL CHECK (kind IN ('avatar', 'scenario', 'line')),
    alt         text NOT NULL DEFAULT '',
    duration_ms bigint NOT NULL DEFAULT 0,
    loudness    double precision NOT NULL DEFAULT 0,
    built_in    boolean NOT NULL DEFAULT false,
    source      text NOT NULL DEFAULT '', -- of a built-in one: a hash of the file it was made of
    created_at  timestamptz NOT NULL
);
CREATE INDEX media_owner ON media (owner_id, id);
CREATE INDEX media_kind ON media (kind, id);

CREATE TABLE media_files (
    media_id uuid NOT NULL REFERENCES media ON DELETE CASCADE,
    size     text NOT NULL CHECK (size IN ('small', 'medium', 'large')),
    key      text NOT NULL REFERENCES media_blobs,
    type     text NOT NULL,
    bytes    bigint NOT NULL,
    width    integer NOT NULL DEFAULT 0,
    height   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (media_id, size)
);
CREATE INDEX media_files_key ON media_files (key);

-- The versions of scenarios that refer to a medium.
CREATE TABLE media_uses (
    media_id    uuid NOT NULL REFERENCES media,
    scenario_id uuid NOT NULL REFERENCES scenarios ON DELETE CASCADE,
    version     integer NOT NULL,
    PRIMARY KEY (media_id, scenario_id, version)
);
CREATE INDEX media_uses_scenario ON media_uses (scenario_id, version);

-- A later migration, which locks nothing, checks the rows there are, and indexes them.
ALTER TABLE users ADD COLUMN avatar_id uuid;
ALTER TABLE users ADD CONSTRAINT users_avatar_id_fkey FOREIGN KEY (avatar_id) REFERENCES media
    ON DELETE SET NULL NOT VALID;

-- +goose Down
ALTER TABLE users DROP COLUMN avatar_id;
DROP TABLE media_uses, media_files, media, media_blobs;
