-- Tables without a key. Of these the nodes send each other inserts only: an UPDATE or DELETE would change one node alone, so it is
-- refused, as PostgreSQL refuses it for a table that is published. Also for REPLICA IDENTITY FULL, which the extensions do not
-- follow. SET pgedge.keyless = local allows it, for a session, a user or a database. Run by every dialect.
--
-- The trigger is made where the structure calls for it, and asks when it fires whether the table is sent: a statement that changes
-- a table with a key pays nothing. Statement triggers fire for the table that the statement names, hence also on parents.

-- PL/pgSQL where a plan is worth keeping: the event trigger runs at every CREATE TABLE.

-- Whether a row can be found on other nodes. An index that is checked only at the end of a transaction does not count.
CREATE OR REPLACE FUNCTION pgedge_internal.has_key(relation oid) RETURNS boolean LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    RETURN EXISTS (SELECT FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
                   WHERE c.oid = relation AND i.indisvalid AND i.indimmediate
                     AND CASE c.relreplident WHEN 'i' THEN i.indisreplident WHEN 'd' THEN i.indisprimary ELSE false END);
END $f$;

-- A table and all below it: partitions and tables that inherit.
CREATE OR REPLACE FUNCTION pgedge_internal.with_children(relation oid) RETURNS SETOF oid LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $f$
    WITH RECURSIVE t(id) AS (SELECT relation UNION SELECT i.inhrelid FROM t JOIN pg_inherits i ON i.inhparent = t.id) SELECT id FROM t
$f$;

-- The first table without a key of which an UPDATE or DELETE on `relation` would stay here. NULL: there is none.
CREATE OR REPLACE FUNCTION pgedge_internal.sent_without_key(relation oid) RETURNS regclass LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
    SELECT m.relation::regclass FROM pgedge_internal.with_children($1) t JOIN pgedge_internal.members m ON m.relation = t
     GROUP BY 1 HAVING bool_or(m.set_name = 'default_insert_only') AND NOT bool_or(m.sends_changes) ORDER BY 1 LIMIT 1
$f$;

CREATE OR REPLACE FUNCTION pgedge_internal.refuse_keyless() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    keyless regclass;
BEGIN
    IF coalesce(current_setting('pgedge.keyless', true), '') = 'local' OR pgedge_internal.alone() THEN RETURN NULL; END IF;
    keyless := pgedge_internal.sent_without_key(TG_RELID);
    IF keyless IS NULL THEN RETURN NULL; END IF;
    IF EXISTS (SELECT FROM pg_index WHERE indrelid = keyless AND indisprimary AND indimmediate) THEN
        RAISE EXCEPTION 'cannot % table "%" because its primary key is not its replica identity and it is replicated',
            CASE TG_OP WHEN 'DELETE' THEN 'delete from' ELSE 'update' END, keyless::text
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Of such tables only inserts are sent to the other nodes.',
                  HINT = 'ALTER TABLE … REPLICA IDENTITY DEFAULT. SET pgedge.keyless = local changes this node alone.';
    END IF;
    RAISE EXCEPTION 'cannot % table "%" because it has no primary key and is replicated',
        CASE TG_OP WHEN 'DELETE' THEN 'delete from' ELSE 'update' END, keyless::text
        USING ERRCODE = 'object_not_in_prerequisite_state',
              DETAIL = 'Of tables without a key only inserts are sent to the other nodes.',
              HINT = 'Add a primary key, or a unique index over columns that are NOT NULL with ALTER TABLE … REPLICA IDENTITY USING INDEX. '
                     'SET pgedge.keyless = local changes this node alone.';
END $f$;

-- Whether a table of users lacks a key, or one below it does.
CREATE OR REPLACE FUNCTION pgedge_internal.lacks_key(relation oid, below boolean DEFAULT true) RETURNS boolean LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    t record;
BEGIN
    SELECT c.relkind, c.relpersistence, c.relhassubclass, n.nspname INTO t
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
    IF t.relkind = 'r' AND t.relpersistence = 'p' AND NOT pgedge_internal.has_key(relation)
       AND t.nspname NOT IN ('pgedge_internal', 'pglogical', 'spock', 'pg_catalog', 'information_schema')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = relation AND d.deptype = 'e') THEN
        RETURN true;
    END IF;
    RETURN below AND t.relhassubclass
           AND EXISTS (SELECT FROM pgedge_internal.with_children(relation) child WHERE pgedge_internal.lacks_key(child, false));
END $f$;

-- Makes the trigger or takes it away. It is marked as the server's own, so that neither dumps nor \d show it.
CREATE OR REPLACE FUNCTION pgedge_internal.guard_table(relation oid, wanted boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET pgedge.replicate_ddl = off AS $f$
BEGIN
    IF wanted THEN
        EXECUTE format('CREATE TRIGGER pgedge_keyless BEFORE UPDATE OR DELETE ON %s FOR EACH STATEMENT '
                       || 'EXECUTE FUNCTION pgedge_internal.refuse_keyless()', relation::regclass);
        UPDATE pg_trigger SET tgisinternal = true WHERE tgrelid = relation AND tgname = 'pgedge_keyless';
    ELSE
        UPDATE pg_trigger SET tgisinternal = false WHERE tgrelid = relation AND tgname = 'pgedge_keyless';
        EXECUTE format('DROP TRIGGER pgedge_keyless ON %s', relation::regclass);
    END IF;
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.guard_if_needed(relation oid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    present boolean := EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND tgname = 'pgedge_keyless');
    wanted boolean := pgedge_internal.lacks_key(relation);
BEGIN
    IF present <> wanted THEN PERFORM pgedge_internal.guard_table(relation, wanted); END IF;
END $f$;

-- A change of a parent reaches its children, and what a child lacks its parents lack.
CREATE OR REPLACE FUNCTION pgedge_internal.guard_related(relation oid) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    relative oid;
BEGIN
    PERFORM pgedge_internal.guard_if_needed(relation);
    IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = relation) OR EXISTS (SELECT FROM pg_inherits WHERE inhparent = relation) THEN
        FOR relative IN WITH RECURSIVE related(id) AS (
                            SELECT pgedge_internal.with_children(relation)
                            UNION SELECT i.inhparent FROM related r JOIN pg_inherits i ON i.inhrelid = r.id)
                        SELECT id FROM related LOOP
            PERFORM pgedge_internal.guard_if_needed(relative);
        END LOOP;
    END IF;
END $f$;

-- In a ddl_command_end trigger: the tables whose command ended, or one of an index of theirs.
CREATE OR REPLACE FUNCTION pgedge_internal.altered_tables() RETURNS SETOF oid LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $f$
    SELECT objid FROM pg_event_trigger_ddl_commands()
     WHERE classid = 'pg_class'::regclass AND object_type LIKE 'table%' AND NOT in_extension
    UNION SELECT i.indrelid FROM pg_event_trigger_ddl_commands() e JOIN pg_index i ON i.indexrelid = e.objid
     WHERE e.classid = 'pg_class'::regclass AND e.object_type = 'index' AND NOT in_extension
$f$;

CREATE OR REPLACE FUNCTION pgedge_internal.on_keyless() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    relation oid;
BEGIN
    FOR relation IN SELECT pgedge_internal.altered_tables() LOOP
        PERFORM pgedge_internal.guard_related(relation);
    END LOOP;
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.adopt_keyless() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    relation oid;
BEGIN
    FOR relation IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relpersistence <> 't' AND relnamespace <> 'pg_catalog'::regnamespace LOOP
        PERFORM pgedge_internal.guard_if_needed(relation);
    END LOOP;
END $f$;

-- Tables of which the other nodes get inserts only, for the status: how many, and the names of the first.
CREATE OR REPLACE FUNCTION pgedge_internal.keyless_tables(most int, OUT number bigint, OUT names text[]) LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $f$
    WITH k AS (SELECT m.relation::regclass::text AS name FROM pgedge_internal.members m WHERE NOT pgedge_internal.alone()
               GROUP BY m.relation HAVING bool_or(m.set_name = 'default_insert_only') AND NOT bool_or(m.sends_changes))
    SELECT (SELECT count(*) FROM k), ARRAY(SELECT name FROM k ORDER BY name LIMIT most)
$f$;

-- Only what our own sessions and triggers call: the superuser.
REVOKE ALL ON FUNCTION pgedge_internal.guard_table(oid, boolean), pgedge_internal.guard_if_needed(oid), pgedge_internal.guard_related(oid), pgedge_internal.altered_tables(), pgedge_internal.adopt_keyless(), pgedge_internal.keyless_tables(int) FROM PUBLIC;

-- ENABLE ALWAYS: also for changes that come from other nodes.
CREATE EVENT TRIGGER pgedge_4_keyless ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE SCHEMA', 'CREATE INDEX', 'ALTER INDEX')
    EXECUTE FUNCTION pgedge_internal.on_keyless();
ALTER EVENT TRIGGER pgedge_4_keyless ENABLE ALWAYS;
