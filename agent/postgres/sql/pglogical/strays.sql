-- Tables that came without any event: EXPLAIN ANALYZE CREATE TABLE AS fires no trigger. They are in no replication set; structure
-- and rows are sent late. Not those that a superuser took out of their sets, see pgedge_internal.joined.
--
-- The rows are written again so that they travel: as the table's owner, since triggers and indexes of a table run code of his.
CREATE OR REPLACE FUNCTION pgedge_internal.watch_strays() RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET pgedge.replicate_ddl = off AS $f$
DECLARE
    stray record;
BEGIN
    FOR stray IN
        SELECT c.oid, c.oid::regclass AS name, pg_get_userbyid(c.relowner) AS owner
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.oid >= 16384
           AND n.nspname NOT IN ('pgedge_internal', 'pglogical', 'pg_catalog', 'information_schema')
           AND NOT EXISTS (SELECT FROM pgedge_internal.joined j WHERE j.relation = c.oid)
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') LOOP
        BEGIN
            EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', stray.name);
            IF NOT pgedge_internal.alone() THEN
                PERFORM pgedge_internal.send_ddl(stray.owner, jsonb_build_object('path', '', 'settings', pgedge_internal.session_settings()),
                                                 pgedge_internal.table_structure(stray.oid));
            END IF;
            PERFORM pgedge_internal.join_table(stray.oid);
            IF NOT pgedge_internal.alone() THEN
                PERFORM pgedge_internal.run_ddl(stray.owner, '', format('WITH d AS (DELETE FROM ONLY %s RETURNING *) INSERT INTO %1$s SELECT * FROM d',
                                                                        stray.name), '{}');
            END IF;
            PERFORM pgedge_internal.guard_if_needed(stray.oid);
        EXCEPTION WHEN lock_not_available OR undefined_table THEN  -- the next look tries again
        END;
    END LOOP;
END $f$;

REVOKE ALL ON FUNCTION pgedge_internal.watch_strays() FROM PUBLIC;
