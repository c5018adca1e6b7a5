-- +goose Up
-- A version of a scenario refers to media anywhere in its document, as {"media": "<id>"}. It never
-- changes, so its uses are found when it is saved. Portraits cannot be used.
-- +goose StatementBegin
CREATE FUNCTION media_uses_of_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO media_uses (media_id, scenario_id, version)
    SELECT DISTINCT m.id, NEW.scenario_id, NEW.version
    FROM jsonb_path_query(NEW.document, '$.**.media ? (@.type() == "string")') v
    JOIN media m ON m.id = CASE WHEN v #>> '{}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        THEN (v #>> '{}')::uuid END
    WHERE m.kind <> 'avatar'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER media_uses_of_version AFTER INSERT ON scenario_versions FOR EACH ROW
    EXECUTE FUNCTION media_uses_of_version();

-- +goose Down
DROP TRIGGER media_uses_of_version ON scenario_versions;
DROP FUNCTION media_uses_of_version;
