-- Rows that DDL makes. A statement that computes rows (CREATE TABLE AS, a volatile default) computes others on each node: its
-- structure travels as text and its rows as rows, or it is refused.

-- CREATE TABLE for a table as it stands, without defaults and constraints: what CREATE TABLE AS and SELECT INTO make.
CREATE OR REPLACE FUNCTION pgedge_internal.table_structure(relation oid) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
    SELECT format('CREATE %sTABLE %I.%I (%s) USING %I%s', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END, n.nspname, c.relname,
        (SELECT string_agg(format('%I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
            CASE a.attcompression WHEN 'p' THEN ' COMPRESSION pglz' WHEN 'l' THEN ' COMPRESSION lz4' ELSE '' END,
            CASE WHEN a.attcollation <> t.typcollation THEN format(' COLLATE %I.%I', cn.nspname, l.collname) ELSE '' END), ', ' ORDER BY a.attnum)
         FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation l ON l.oid = a.attcollation
         LEFT JOIN pg_namespace cn ON cn.oid = l.collnamespace WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT amname FROM pg_am WHERE oid = c.relam),
        (SELECT ' WITH (' || string_agg(format('%I=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') || ')' FROM unnest(c.reloptions) o))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
$f$;

-- Whether the text of a statement calls something that is not immutable, by the names of functions in it: rather too often than too seldom. Some are stable only
-- because they follow settings that travel with the statement.
CREATE OR REPLACE FUNCTION pgedge_internal.calls_unsteady(bare text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
    SELECT bare ~* '\m(current_(date|time|timestamp|user|role|schema|catalog)|localtime|localtimestamp|session_user)\M'
        OR EXISTS (SELECT FROM regexp_matches(bare, '("(?:[^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)\s*\(', 'g') w
                   JOIN pg_proc p ON p.proname = CASE WHEN w[1] LIKE '"%' THEN replace(btrim(w[1], '"'), '""', '"') ELSE lower(w[1]) END
                   WHERE p.provolatile = 'v' OR p.provolatile = 's' AND (p.pronamespace <> 'pg_catalog'::regnamespace OR p.proname <> ALL (
                       '{to_char,to_date,to_timestamp,to_number,date,time,timetz,timestamp,timestamptz,date_trunc,date_part,extract,
                         timezone,text,concat,concat_ws,format,array_to_string,string_to_array,to_json,to_jsonb,row_to_json,
                         array_to_json,json_build_object,json_build_array,jsonb_build_object,jsonb_build_array,to_tsvector,make_timestamptz}')))
$f$;

-- Writes the rows of a table that has joined its replication set in this transaction again, so that they travel: decoding sees
-- for each change the sets of that moment, and what was written before is left out. As whoever typed the statement, since
-- indexes and the like of a table run code of its owner; on_ddl() has checked that no trigger does.
CREATE OR REPLACE FUNCTION pgedge_internal.on_queued() RETURNS event_trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET pgedge.keyless = local AS $f$
DECLARE
    relation constant oid := nullif(current_setting('pgedge.rows', true), '');
    columns text;
BEGIN
    IF relation IS NULL THEN RETURN; END IF;
    PERFORM set_config('pgedge.rows', '', true);
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
     WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('WITH d AS (DELETE FROM ONLY %1$s RETURNING %2$s) INSERT INTO %1$s %3$s SELECT %4$s FROM d', relation::regclass,
                   coalesce(columns, '1'), '(' || columns || ') OVERRIDING SYSTEM VALUE', columns);
END $f$;

CREATE EVENT TRIGGER pgedge_1_queue_rows ON ddl_command_end EXECUTE FUNCTION pgedge_internal.on_queued();
