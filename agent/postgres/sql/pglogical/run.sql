-- Runs a queued statement as the user who typed it, in a function that is theirs: inside it they cannot become the superuser
-- that apply runs as. It is made for this one call, so that nobody can alter it before.
CREATE OR REPLACE FUNCTION pgedge_internal.run_ddl(who text, path text, statement text, settings jsonb) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
DECLARE
    runner constant text := format('pgedge_internal.run_%s', pg_current_xact_id());
    before jsonb := '{}';
    setting record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = who) THEN
        RAISE EXCEPTION 'role "%" of the node that sent this DDL does not exist here', who
            USING ERRCODE = 'undefined_object', HINT = 'Roles are not replicated: create it on this node too.';
    END IF;
    -- Only settings that we send ourselves: this is a superuser's session. Bodies of functions were checked where they were typed,
    -- and may name what exists only there by now. What is set is taken back below: rows follow that are read with our settings.
    FOR setting IN SELECT key, value FROM jsonb_each_text(settings || '{"check_function_bodies": "off"}')
                   WHERE (key = 'check_function_bodies' OR pgedge_internal.session_settings() ? key)
                     AND value IS DISTINCT FROM current_setting(key, true) LOOP
        before := before || jsonb_build_object(setting.key, current_setting(setting.key, true));
        PERFORM set_config(setting.key, setting.value, true);
    END LOOP;
    EXECUTE format('CREATE FUNCTION %s(path text, statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER '
                   || 'SET search_path = pg_catalog, pg_temp AS '
                   || quote_literal('BEGIN PERFORM pg_catalog.set_config(''search_path'', path, true); EXECUTE statement; END'),
                   runner);
    EXECUTE format('REVOKE ALL ON FUNCTION %s(text, text) FROM PUBLIC', runner);
    EXECUTE format('ALTER FUNCTION %s(text, text) OWNER TO %I', runner, who);
    EXECUTE format('SELECT %s($1, $2)', runner) USING path, statement;
    EXECUTE format('DROP FUNCTION %s(text, text)', runner);
    PERFORM set_config(key, value, true) FROM jsonb_each_text(before);
END $f$;

-- What nodes with an earlier version send.
CREATE OR REPLACE FUNCTION pgedge_internal.run_ddl(who text, path text, statement text) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $f$ SELECT pgedge_internal.run_ddl(who, path, statement, '{}') $f$;

-- Only what apply calls: the superuser.
REVOKE ALL ON FUNCTION pgedge_internal.run_ddl(text, text, text, jsonb), pgedge_internal.run_ddl(text, text, text) FROM PUBLIC;
