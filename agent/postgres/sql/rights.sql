-- Runs last: what users may do with the extension, and what their dumps contain. Run by every dialect.
DO $do$
DECLARE
    extension constant name := (SELECT extname FROM pg_extension WHERE extname IN ('pglogical', 'spock'));
    ours constant text := 'pgedge_internal';
    object text;
BEGIN
    IF extension IS NULL THEN RETURN; END IF;
    -- Every function of the extension may be executed by PUBLIC, and most do not ask for rights themselves: who can reach their
    -- schema reads connection strings and drops subscriptions. So this comes before USAGE.
    EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA %I FROM PUBLIC', extension);
    -- pglogical looks up names in its schema as the user, at every DROP and TRUNCATE.
    IF extension = 'pglogical' THEN GRANT USAGE ON SCHEMA pglogical TO PUBLIC; END IF;

    -- What belongs to an extension is not dumped, and pg_dump does not lock it: that would need rights.
    FOR object IN
        SELECT 'SCHEMA ' || ours WHERE NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_namespace'::regclass
                                                   AND objid = ours::regnamespace AND deptype = 'e')
        UNION ALL
        SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p WHERE p.pronamespace = ours::regnamespace
           AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
        UNION ALL
        SELECT format('%s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass) FROM pg_class c
         WHERE c.relnamespace = ours::regnamespace AND c.relkind IN ('r', 'v')
           AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
        UNION ALL
        SELECT format('EVENT TRIGGER %I', t.evtname) FROM pg_event_trigger t WHERE t.evtname LIKE 'pgedge\_%'
           AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_event_trigger'::regclass AND objid = t.oid AND deptype = 'e') LOOP
        EXECUTE format('ALTER EXTENSION %I ADD %s', extension, object);
    END LOOP;

    -- A dump contains each right of an extension's object that differs from those it was installed with: these are those.
    WITH present(class, id, rights) AS (
        SELECT 'pg_proc'::regclass, p.oid, p.proacl FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN (ours, extension)
        UNION ALL
        SELECT 'pg_class'::regclass, c.oid, c.relacl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ours
        UNION ALL
        SELECT 'pg_namespace'::regclass, n.oid, n.nspacl FROM pg_namespace n WHERE n.nspname IN (ours, extension)),
    gone AS (DELETE FROM pg_init_privs i USING present p WHERE i.classoid = p.class AND i.objoid = p.id AND i.objsubid = 0 AND p.rights IS NULL),
    changed AS (UPDATE pg_init_privs i SET initprivs = p.rights, privtype = 'e' FROM present p
                WHERE i.classoid = p.class AND i.objoid = p.id AND i.objsubid = 0 AND p.rights IS NOT NULL)
    INSERT INTO pg_init_privs (objoid, classoid, objsubid, privtype, initprivs)
    SELECT p.id, p.class, 0, 'e', p.rights FROM present p WHERE p.rights IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_init_privs i WHERE i.classoid = p.class AND i.objoid = p.id AND i.objsubid = 0);
END $do$;
