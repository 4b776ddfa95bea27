-- Runs first: the triggers of this and of earlier versions go, so that they do not see what the other files make, and everything
-- of ours leaves the extension (rights.sql puts it there), whose members cannot be dropped.
--
-- Event triggers of one event fire in the order of their names: queue first, for what the others do is not typed.
SET LOCAL pgedge.replicate_ddl = off;

DO $do$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT x.extname, o.type, o.identity
          FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid
         CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) o
         WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND x.extname IN ('pglogical', 'spock')
           AND (o.schema = 'pgedge_internal' OR o.identity = 'pgedge_internal'
                OR o.type = 'event trigger' AND o.identity LIKE 'pgedge\_%')
           AND o.type IN ('schema', 'table', 'view', 'function', 'event trigger') LOOP
        EXECUTE format('ALTER EXTENSION %I DROP %s %s', member.extname, member.type, member.identity);
    END LOOP;
END $do$;

-- The extension's workers take the settings that an owner gives the database. Those of their role come first.
DO $do$
DECLARE
    setting text;
BEGIN
    FOREACH setting IN ARRAY ARRAY['default_transaction_read_only = off', 'default_transaction_isolation = ''read committed''',
                                   'lock_timeout = 0', 'role = none'] LOOP
        EXECUTE format('ALTER ROLE %I SET %s', session_user, setting);
    END LOOP;
END $do$;

DROP EVENT TRIGGER IF EXISTS pgedge_1_queue;
DROP EVENT TRIGGER IF EXISTS pgedge_1_queue_drop;
DROP EVENT TRIGGER IF EXISTS pgedge_1_before_queue;
DROP EVENT TRIGGER IF EXISTS pgedge_1_queue_rows;
DROP EVENT TRIGGER IF EXISTS pgedge_1_drop;
DROP EVENT TRIGGER IF EXISTS pgedge_1_detach;
DROP EVENT TRIGGER IF EXISTS pgedge_1_rewrite;
DROP EVENT TRIGGER IF EXISTS pgedge_1_added;
DROP EVENT TRIGGER IF EXISTS pgedge_2_join;
DROP EVENT TRIGGER IF EXISTS pgedge_2_leave;
DROP EVENT TRIGGER IF EXISTS pgedge_2_lost_key;
DROP EVENT TRIGGER IF EXISTS pgedge_3_sequences;
DROP EVENT TRIGGER IF EXISTS pgedge_4_keyless;
