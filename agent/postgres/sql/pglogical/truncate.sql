-- TRUNCATE. The trigger that pglogical puts on every table of a set calls pglogical.queue_truncate(): this takes its place. The
-- extension's own sends a plain TRUNCATE, which fails on the other nodes where a foreign key refers to the table.
--
-- The trigger fires for every table that a statement empties, also by CASCADE and in partitions, and only for statements of users.
-- Each is sent by itself, with CASCADE: whatever refers to the table was emptied here by the same statement.
CREATE OR REPLACE FUNCTION pglogical.queue_truncate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    restarted boolean;
BEGIN
    IF coalesce(current_setting('pgedge.replicate_ddl', true), '') = 'off' OR pgedge_internal.alone() THEN RETURN NULL; END IF;
    -- RESTART IDENTITY gives the table's sequences new files: rows of pg_class that this transaction wrote.
    SELECT coalesce(bool_or(age(c.xmin) <= 0), false) INTO restarted FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = TG_RELID
       AND d.deptype IN ('a', 'i') AND c.relkind = 'S';
    INSERT INTO pglogical.queue (queued_at, role, replication_sets, message_type, message)
    SELECT now(), current_user, array_agg(DISTINCT s.set_name::text), 'Q',
           to_json(format('SELECT pgedge_internal.run_truncate(%L, %L, %L)', TG_TABLE_SCHEMA, TG_TABLE_NAME, restarted))
      FROM pglogical.replication_set_table m JOIN pglogical.replication_set s USING (set_id)
     WHERE m.set_reloid = TG_RELID AND s.replicate_truncate HAVING count(*) > 0;
    RETURN NULL;
END $f$;

-- A table that this node has dropped meanwhile has no rows to lose.
CREATE OR REPLACE FUNCTION pgedge_internal.run_truncate(nsp text, name text, restart boolean) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF to_regclass(format('%I.%I', nsp, name)) IS NULL THEN RETURN; END IF;
    EXECUTE format('TRUNCATE ONLY %I.%I %s CASCADE', nsp, name, CASE WHEN restart THEN 'RESTART IDENTITY' ELSE '' END);
END $f$;

REVOKE ALL ON FUNCTION pgedge_internal.run_truncate(text, text, boolean) FROM PUBLIC;
