-- A column whose default is computed once, without a rewrite (now()): with pglogical on_ddl() looks at it.
CREATE OR REPLACE FUNCTION pgedge_internal.on_added() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF coalesce(current_setting('pgedge.replicate_ddl', true), '') = 'off' OR current_query() !~* '\madd\M' OR pgedge_internal.alone() THEN RETURN; END IF;
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() e JOIN pg_class c ON c.oid = e.objid
               WHERE e.classid = 'pg_class'::regclass AND c.relpersistence <> 't' AND pgedge_internal.adds_unsteady_column(c.oid, true)) THEN
        PERFORM pgedge_internal.refuse_unsteady_column();
    END IF;
END $f$;

CREATE EVENT TRIGGER pgedge_1_added ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION pgedge_internal.on_added();
