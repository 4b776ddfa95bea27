-- Tables join the replication sets by themselves, and leave them when they are dropped.

-- The sets that tables of this node are in.
CREATE OR REPLACE VIEW pgedge_internal.members AS
SELECT m.set_reloid::pg_catalog.oid AS relation, s.set_name::text, s.replicate_update OR s.replicate_delete AS sends_changes
  FROM pglogical.replication_set_table m JOIN pglogical.replication_set s USING (set_id)
  JOIN pglogical.local_node l ON l.node_id = s.set_nodeid;

-- Tables that were put into a set once. One that is in no set all the same was taken out by a superuser on purpose, and stays out.
CREATE TABLE IF NOT EXISTS pgedge_internal.joined (relation oid PRIMARY KEY);

-- Tables with a key replicate whole, others by inserts only. A table that the user has put into a set of his own stays there.
CREATE OR REPLACE FUNCTION pgedge_internal.join_table(relation oid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    t record;
    wanted text;
    present text[];
    each text;
BEGIN
    SELECT c.relpersistence, c.relkind, n.nspname INTO t
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
    IF NOT FOUND OR t.relkind <> 'r' OR t.nspname IN ('pgedge_internal', 'pglogical', 'pg_catalog', 'information_schema')
       OR EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = relation AND d.deptype = 'e') THEN
        RETURN;
    END IF;
    wanted := CASE WHEN t.relpersistence <> 'p' THEN NULL WHEN pgedge_internal.has_key(relation) THEN 'default' ELSE 'default_insert_only' END;
    SELECT coalesce(array_agg(m.set_name), '{}') INTO present FROM pgedge_internal.members m WHERE m.relation = join_table.relation;
    IF wanted IS NULL THEN
        DELETE FROM pgedge_internal.joined j WHERE j.relation = join_table.relation;
    ELSE
        INSERT INTO pgedge_internal.joined VALUES (relation) ON CONFLICT DO NOTHING;
        IF NOT FOUND AND present = '{}' THEN RETURN; END IF;
    END IF;
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
    child oid;
BEGIN
    FOR relation IN SELECT pgedge_internal.altered_tables() LOOP
        PERFORM pgedge_internal.join_table(relation);
        -- A key of a partitioned table is one of its partitions, of which the event says nothing.
        IF EXISTS (SELECT FROM pg_inherits WHERE inhparent = relation) THEN
            FOR child IN SELECT pgedge_internal.with_children(relation) LOOP
                PERFORM pgedge_internal.join_table(child);
            END LOOP;
        END IF;
    END LOOP;
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.on_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF to_regclass('pglogical.replication_set_table') IS NULL THEN RETURN; END IF;
    WITH gone AS (SELECT objid FROM pg_event_trigger_dropped_objects()
                  WHERE classid = 'pg_class'::regclass AND objsubid = 0 AND object_type = 'table'),
    forgotten AS (DELETE FROM pgedge_internal.joined j USING gone WHERE j.relation = gone.objid)
    DELETE FROM pglogical.replication_set_table m USING gone WHERE m.set_reloid = gone.objid;
END $f$;

-- A key may go without its table being altered: with its index, or with the type of its column.
CREATE OR REPLACE FUNCTION pgedge_internal.on_lost_key() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    relation oid;
BEGIN
    IF to_regclass('pglogical.replication_set_table') IS NULL THEN RETURN; END IF;
    FOR relation IN SELECT m.relation FROM pgedge_internal.members m WHERE m.set_name = 'default' AND NOT pgedge_internal.has_key(m.relation) LOOP
        PERFORM pgedge_internal.join_table(relation);
        PERFORM pgedge_internal.guard_related(relation);
    END LOOP;
END $f$;

-- Does for what is there already what the triggers do for new things.
CREATE OR REPLACE FUNCTION pgedge_internal.adopt() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    relation oid;
BEGIN
    -- The node was made anew, and its sets with it.
    DELETE FROM pgedge_internal.joined WHERE NOT EXISTS (SELECT FROM pgedge_internal.members);
    FOR relation IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relpersistence = 'p' LOOP
        PERFORM pgedge_internal.join_table(relation);
    END LOOP;
    PERFORM pgedge_internal.adopt_keyless();
    PERFORM pgedge_internal.adopt_sequences();
END $f$;

-- Tells the other nodes to go past a sequence's value.
CREATE OR REPLACE FUNCTION pgedge_internal.tell_sequence(nsp text, name text, value bigint) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $f$
    INSERT INTO pglogical.queue (queued_at, role, replication_sets, message_type, message)
    VALUES (now(), current_user, '{ddl_sql}', 'Q', to_json(format('SELECT pgedge_internal.pass_value(%L, %L, %s)', nsp, name, value)))
$f$;

-- Only what our own sessions and functions call: the superuser.
REVOKE ALL ON FUNCTION pgedge_internal.join_table(oid), pgedge_internal.adopt(),
    pgedge_internal.tell_sequence(text, text, bigint) FROM PUBLIC;

-- ENABLE ALWAYS: also for changes that come from other nodes.
CREATE EVENT TRIGGER pgedge_2_join ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE SCHEMA', 'CREATE INDEX', 'ALTER INDEX')
    EXECUTE FUNCTION pgedge_internal.on_table();
ALTER EVENT TRIGGER pgedge_2_join ENABLE ALWAYS;
CREATE EVENT TRIGGER pgedge_2_lost_key ON ddl_command_end
    WHEN TAG IN ('DROP INDEX', 'DROP DOMAIN', 'DROP TYPE', 'DROP EXTENSION', 'DROP SCHEMA', 'DROP COLLATION', 'DROP OPERATOR CLASS', 'DROP OPERATOR FAMILY')
    EXECUTE FUNCTION pgedge_internal.on_lost_key();
ALTER EVENT TRIGGER pgedge_2_lost_key ENABLE ALWAYS;
CREATE EVENT TRIGGER pgedge_2_leave ON sql_drop EXECUTE FUNCTION pgedge_internal.on_drop();
ALTER EVENT TRIGGER pgedge_2_leave ENABLE ALWAYS;
