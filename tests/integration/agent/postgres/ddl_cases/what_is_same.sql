-- What has to be equal on all nodes: one line per thing. Sequences' values, toast and our own schemas are left out,
-- and indexes that could not be finished.
WITH schemas AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$|pgedge_internal$|pglogical$|spock$)')
SELECT string_agg(line, E'\n' ORDER BY line) FROM (
    SELECT format('schema %s %s %s', nspname, nspowner::regrole, nspacl) AS line FROM pg_namespace WHERE oid IN (SELECT oid FROM schemas)
    UNION ALL SELECT format('relation %s %s %s %s %s %s', c.oid::regclass, c.relkind, c.relpersistence, c.relowner::regrole, c.relacl, c.reloptions)
      FROM pg_class c WHERE relnamespace IN (SELECT oid FROM schemas) AND relkind IN ('r', 'p', 'v', 'm', 'i', 'I', 'S', 'f')
       AND NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = c.oid AND c.relkind = 'i' AND NOT indisvalid)
    UNION ALL SELECT format('column %s.%s %s %s %s %s %s %s %s %s', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                            a.attidentity, a.attgenerated, a.attstattarget, a.attstorage, a.attacl, pg_get_expr(d.adbin, d.adrelid))
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE c.relnamespace IN (SELECT oid FROM schemas) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace IN (SELECT oid FROM schemas)
    UNION ALL SELECT format('index %s', pg_get_indexdef(i.indexrelid)) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace IN (SELECT oid FROM schemas)
       AND (i.indisvalid OR c.relkind = 'I')
    UNION ALL SELECT format('view %s %s', oid::regclass, pg_get_viewdef(oid)) FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace IN (SELECT oid FROM schemas)
    UNION ALL SELECT format('function %s %s %s %s', oid::regprocedure, proowner::regrole, proacl, CASE WHEN prokind = 'a' THEN '' ELSE pg_get_functiondef(oid) END)
      FROM pg_proc p WHERE pronamespace IN (SELECT oid FROM schemas)
    UNION ALL SELECT format('type %s %s %s %s', oid::regtype, typtype, typowner::regrole, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
      FROM pg_type t WHERE typnamespace IN (SELECT oid FROM schemas)
    UNION ALL SELECT format('trigger %s %s', pg_get_triggerdef(oid), tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT format('rule %s', pg_get_ruledef(r.oid)) FROM pg_rewrite r JOIN pg_class c ON c.oid = ev_class WHERE relnamespace IN (SELECT oid FROM schemas)
    UNION ALL SELECT format('policy %s %s %s', polrelid::regclass, polname, pg_get_expr(polqual, polrelid)) FROM pg_policy
    UNION ALL SELECT format('statistics %s', pg_get_statisticsobjdef(oid)) FROM pg_statistic_ext
    UNION ALL SELECT format('comment %s %s', (pg_identify_object(classoid, objoid, objsubid)).identity, description) FROM pg_description
     WHERE (pg_identify_object(classoid, objoid, objsubid)).schema IN (SELECT nspname FROM schemas)
    UNION ALL SELECT format('default acl %s %s %s', defaclrole::regrole, defaclobjtype, defaclacl) FROM pg_default_acl
    UNION ALL SELECT format('extension %s %s', extname, extversion) FROM pg_extension
    UNION ALL SELECT format('inherits %s %s', inhrelid::regclass, inhparent::regclass) FROM pg_inherits
    UNION ALL SELECT format('set %s %s', m.set_reloid, s.set_name) FROM pglogical.replication_set_table m JOIN pglogical.replication_set s USING (set_id)
    UNION ALL SELECT format('rows %s %s', c.oid::regclass, (xpath('/row/c/text()', query_to_xml(format(
                'SELECT count(*) || md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '''')) AS c FROM %s t', c.oid::regclass), false, true, '')))[1])
      FROM pg_class c WHERE relkind = 'r' AND relpersistence = 'p' AND relnamespace IN (SELECT oid FROM schemas)) all_of_it
