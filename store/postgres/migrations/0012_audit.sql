-- +goose Up
-- The audit trail. Entries have the ids of accounts and sessions without foreign keys, so that
-- they stay after an account or session is deleted.
CREATE TABLE acts (
    id         uuid PRIMARY KEY,
    at         timestamptz NOT NULL,
    action     text NOT NULL CHECK (length(action) BETWEEN 1 AND 64),
    outcome    text NOT NULL CHECK (outcome IN ('done', 'refused')),
    actor_id   uuid,
    user_id    uuid,
    session_id uuid,
    object     text NOT NULL DEFAULT '' CHECK (length(object) <= 200),
    detail     text NOT NULL DEFAULT '' CHECK (length(detail) <= 500),
    ip         text NOT NULL DEFAULT '' CHECK (length(ip) <= 64),
    user_agent text NOT NULL DEFAULT '' CHECK (length(user_agent) <= 1000)
);
CREATE INDEX acts_user ON acts (user_id, id DESC) WHERE user_id IS NOT NULL;
CREATE INDEX acts_actor ON acts (actor_id, id DESC) WHERE actor_id IS NOT NULL;
CREATE INDEX acts_at ON acts (at);

-- The table is append only, with two exceptions: the address and device of an entry may be
-- removed, for when an account is deleted, and an old entry may be deleted.
-- +goose StatementBegin
CREATE FUNCTION acts_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.ip = '' AND NEW.user_agent = '' AND
       (NEW.id, NEW.at, NEW.action, NEW.outcome, NEW.object, NEW.detail) =
       (OLD.id, OLD.at, OLD.action, OLD.outcome, OLD.object, OLD.detail) AND
       (NEW.actor_id, NEW.user_id, NEW.session_id) IS NOT DISTINCT FROM
       (OLD.actor_id, OLD.user_id, OLD.session_id) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '400 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit trail is append only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER acts_stay BEFORE UPDATE OR DELETE ON acts FOR EACH ROW EXECUTE FUNCTION acts_stay();
CREATE TRIGGER acts_stay_all BEFORE TRUNCATE ON acts FOR EACH STATEMENT
    EXECUTE FUNCTION acts_stay();

-- +goose Down
DROP TABLE acts;
DROP FUNCTION acts_stay;
