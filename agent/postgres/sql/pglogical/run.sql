-- Runs a queued statement as the user who typed it, in a function that is theirs: inside it they cannot become the superuser
-- that apply runs as. It is made for this one call, so that nobody can alter it before.
CREATE OR REPLACE FUNCTION pgedge_internal.run_ddl(who text, path text, statement text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    runner text := format('pgedge_internal.run_%s', pg_current_xact_id());
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = who) THEN
        RAISE EXCEPTION 'role "%" of the node that sent this DDL does not exist here', who
            USING ERRCODE = 'undefined_object', HINT = 'Roles are not replicated: create it on this node too.';
    END IF;
    EXECUTE format('CREATE FUNCTION %s(path text, statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER '
                   || 'SET search_path = pg_catalog, pg_temp AS '
                   || quote_literal('BEGIN PERFORM pg_catalog.set_config(''search_path'', path, true); EXECUTE statement; END'),
                   runner);
    EXECUTE format('REVOKE ALL ON FUNCTION %s(text, text) FROM PUBLIC', runner);
    EXECUTE format('ALTER FUNCTION %s(text, text) OWNER TO %I', runner, who);
    EXECUTE format('SELECT %s($1, $2)', runner) USING path, statement;
    EXECUTE format('DROP FUNCTION %s(text, text)', runner);
END $f$;

-- Only what apply calls: the superuser.
REVOKE ALL ON FUNCTION pgedge_internal.run_ddl(text, text, text) FROM PUBLIC;
