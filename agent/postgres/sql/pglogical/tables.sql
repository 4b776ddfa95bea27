-- Tables join the replication sets by themselves, and leave them when they are dropped.

-- Tables with a key replicate whole, others by inserts only. A table that the user has put into a set of his own stays there.
CREATE OR REPLACE FUNCTION pgedge_internal.join_table(relation oid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    t record;
    wanted text;
    present text[];
    each text;
BEGIN
    SELECT c.oid::regclass AS name, c.relpersistence, c.relkind, n.nspname,
           (c.relreplident = 'i' AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisvalid))
           OR (c.relreplident = 'd' AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid))
           AS keyed
      INTO t FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
    IF NOT FOUND OR t.relkind <> 'r' OR t.nspname IN ('pgedge_internal', 'pglogical', 'pg_catalog', 'information_schema')
       OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = relation AND d.deptype = 'e') THEN
        RETURN;
    END IF;
    wanted := CASE WHEN t.relpersistence <> 'p' THEN NULL WHEN t.keyed THEN 'default' ELSE 'default_insert_only' END;
    SELECT coalesce(array_agg(s.set_name::text), '{}') INTO present
      FROM pglogical.replication_set_table m JOIN pglogical.replication_set s USING (set_id)
      JOIN pglogical.local_node l ON l.node_id = s.set_nodeid WHERE m.set_reloid = relation;
    IF NOT present <@ '{default,default_insert_only}' THEN RETURN; END IF;
    FOREACH each IN ARRAY present LOOP
        IF each IS DISTINCT FROM wanted THEN PERFORM pglogical.replication_set_remove_table(each::name, relation); END IF;
    END LOOP;
    IF wanted IS NOT NULL AND NOT wanted = ANY (present) THEN
        PERFORM pglogical.replication_set_add_table(wanted::name, relation, false);
        -- The extension refuses to drop a table that is in a set. pgedge_internal.on_drop() takes it out instead.
        DELETE FROM pglogical.depend WHERE refclassid = 'pg_class'::regclass AND refobjid = relation;
    END IF;
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.on_table() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    relation oid;
BEGIN
    FOR relation IN SELECT DISTINCT objid FROM pg_event_trigger_ddl_commands()
                    WHERE classid = 'pg_class'::regclass AND object_type LIKE 'table%' AND NOT in_extension
                    UNION SELECT i.indrelid FROM pg_event_trigger_ddl_commands() e JOIN pg_index i ON i.indexrelid = e.objid
                    WHERE e.classid = 'pg_class'::regclass AND e.object_type = 'index' AND NOT in_extension LOOP
        PERFORM pgedge_internal.join_table(relation);
    END LOOP;
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.on_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF to_regclass('pglogical.replication_set_table') IS NULL THEN RETURN; END IF;
    DELETE FROM pglogical.replication_set_table m USING pg_event_trigger_dropped_objects() d
     WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND d.object_type = 'table' AND m.set_reloid = d.objid;
END $f$;

-- Does for what is there already what the triggers do for new things.
CREATE OR REPLACE FUNCTION pgedge_internal.adopt() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    relation oid;
BEGIN
    FOR relation IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relpersistence = 'p' LOOP
        PERFORM pgedge_internal.join_table(relation);
    END LOOP;
    PERFORM pgedge_internal.adopt_sequences();
END $f$;

-- Only what our own sessions call: the superuser.
REVOKE ALL ON FUNCTION pgedge_internal.join_table(oid), pgedge_internal.adopt() FROM PUBLIC;

-- ENABLE ALWAYS: also for changes that come from other nodes.
CREATE EVENT TRIGGER pgedge_2_join ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE SCHEMA', 'CREATE INDEX', 'ALTER INDEX')
    EXECUTE FUNCTION pgedge_internal.on_table();
ALTER EVENT TRIGGER pgedge_2_join ENABLE ALWAYS;
CREATE EVENT TRIGGER pgedge_2_leave ON sql_drop EXECUTE FUNCTION pgedge_internal.on_drop();
ALTER EVENT TRIGGER pgedge_2_leave ENABLE ALWAYS;
