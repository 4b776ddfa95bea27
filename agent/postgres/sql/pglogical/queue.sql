-- DDL of users goes into pglogical's queue, as text.

-- Takes the statement and the user from the server, not from its arguments: whoever calls it cannot lend himself rights.
-- pg_event_trigger_… refuse to run outside of an event trigger.
CREATE OR REPLACE FUNCTION pgedge_internal.queue_ddl(event text, tag text, path text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    stamp text := format('%s/%s', pg_current_xact_id(), extract(epoch from statement_timestamp()));
    who text := coalesce(nullif(current_setting('role'), 'none'), session_user::text);
    concerned boolean;
    statement text;
BEGIN
    IF coalesce(current_setting('pgedge.replicate_ddl', true), '') = 'off'
       OR current_setting('pgedge.queued', true) IS NOT DISTINCT FROM stamp
       OR tag ~ '^(REFRESH MATERIALIZED VIEW|(CREATE|ALTER|DROP) SUBSCRIPTION)$' THEN
        RETURN;
    END IF;
    IF event = 'sql_drop' THEN
        SELECT bool_or(NOT is_temporary AND schema_name IS DISTINCT FROM 'pg_temp') INTO concerned
        FROM pg_event_trigger_dropped_objects() WHERE original;
    ELSE
        SELECT bool_or(NOT in_extension AND schema_name IS DISTINCT FROM 'pg_temp') INTO concerned
        FROM pg_event_trigger_ddl_commands();
    END IF;
    IF concerned IS NOT TRUE THEN RETURN; END IF;
    IF current_setting('standard_conforming_strings') = 'off' THEN
        RAISE EXCEPTION 'DDL cannot be replicated while standard_conforming_strings is off'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    statement := pgedge_internal.one_statement(current_query());
    IF statement !~* '^(create|alter|drop|comment|grant|revoke|security|import)\M'
       AND NOT (tag = 'SELECT INTO' AND statement ~* '^(select|with)\M') THEN
        RAISE EXCEPTION '% inside a function or DO block cannot be replicated', tag
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Send it as a statement of its own, or SET pgedge.replicate_ddl = off and run it on each node.';
    END IF;
    -- These cannot run inside a transaction, which is where the other nodes run them.
    statement := regexp_replace(statement, '^((?:create\s+(?:unique\s+)?|drop\s+)index\s+)concurrently\M', '\1', 'i');
    IF tag = 'ALTER TABLE' THEN
        statement := regexp_replace(statement, '(\mdetach\s+partition\s.*)\mconcurrently\s*$', '\1', 'i');
    END IF;
    INSERT INTO pglogical.queue (queued_at, role, replication_sets, message_type, message)
    VALUES (now(), current_user, '{ddl_sql}', 'Q',
            to_json(format('SELECT pgedge_internal.run_ddl(%L, %L, %L)', who, path, statement)));
    PERFORM set_config('pgedge.queued', stamp, true);
END $f$;

-- Runs with the rights of whoever typed the DDL, so that the names in its texts are looked up as theirs.
CREATE OR REPLACE FUNCTION pgedge_internal.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $f$
BEGIN
    PERFORM pgedge_internal.queue_ddl(tg_event, tg_tag, pg_catalog.current_setting('search_path'));
END $f$;

CREATE EVENT TRIGGER pgedge_1_queue ON ddl_command_end EXECUTE FUNCTION pgedge_internal.on_ddl();
CREATE EVENT TRIGGER pgedge_1_queue_drop ON sql_drop EXECUTE FUNCTION pgedge_internal.on_ddl();
