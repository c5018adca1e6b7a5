-- +goose Up
-- What the recogniser learned about a user's voice at a microphone, from sentences read aloud.
CREATE TABLE hearings (
    user_id     uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    microphone  text NOT NULL,
    model       text NOT NULL CHECK (model IN ('packaged', 'average', 'adapted')),
    mean        double precision[] NOT NULL,
    gain        double precision NOT NULL,
    measured_at timestamptz NOT NULL,
    used_at     timestamptz NOT NULL,
    PRIMARY KEY (user_id, microphone)
);

-- +goose Down
DROP TABLE hearings;
