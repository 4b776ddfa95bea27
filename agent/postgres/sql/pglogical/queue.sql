-- DDL of users goes into pglogical's queue, as text. What is accepted here ends the same on all nodes, or is refused here at once,
-- with a reason and a way out: text that fails elsewhere would stop the link.

-- The function that versions before this one called from on_ddl().
DROP FUNCTION IF EXISTS pgedge_internal.queue_ddl(text, text, text);

CREATE OR REPLACE FUNCTION pgedge_internal.send_ddl(who text, typed jsonb, statement text) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
    INSERT INTO pglogical.queue (queued_at, role, replication_sets, message_type, message)
    VALUES (now(), current_user, '{ddl_sql}', 'Q',
            to_json(format('SELECT pgedge_internal.run_ddl(%L, %L, %L, %L)', who, typed->>'path', statement, typed->'settings')))
$f$;

-- sql_drop comes before the ddl_command_end of the same statement: it leaves a note of what kind of objects went.
CREATE OR REPLACE FUNCTION pgedge_internal.on_drop_note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM set_config('pgedge.dropped', (
        SELECT CASE WHEN bool_and(permanent) THEN 'permanent' WHEN bool_or(permanent) THEN 'mixed' ELSE 'temporary' END
          FROM (SELECT NOT coalesce(is_temporary OR object_identity ~ '(^| )pg_temp\.' OR schema_name = 'pg_temp', false) AS permanent
                  FROM pg_event_trigger_dropped_objects() WHERE original) o), true);
    PERFORM set_config('pgedge.dropped_indexes', coalesce((SELECT string_agg(object_identity, ', ') FROM pg_event_trigger_dropped_objects()
        WHERE original AND object_type = 'index'), ''), true);
END $f$;

-- The query id of the running statement; NULL where the server has none that is a hash of the text.
CREATE OR REPLACE FUNCTION pgedge_internal.own_query_id() RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    -- Where it was on when this session began, plans of ours still have ids, and one of these would be found.
    IF current_setting('server_version_num')::int >= 160000 OR current_setting('compute_query_id') = 'off' THEN RETURN NULL; END IF;
    PERFORM pg_stat_clear_snapshot();   -- kept per transaction
    RETURN (SELECT query_id FROM pg_stat_get_activity(pg_backend_pid()));
END $f$;

-- Whether a text names something of this session's temporary schema: elsewhere the name means another thing, or nothing. Names
-- written as U&"…" are not read.
CREATE OR REPLACE FUNCTION pgedge_internal.names_temporary(statement text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
    SELECT pg_my_temp_schema() <> 0 AND (statement ~* '\mpg_temp(_\d+)?"?\s*\.' OR EXISTS (
        SELECT FROM (SELECT relname AS name FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind IN ('r', 'v', 'S', 'p', 'c', 'f')
                     UNION SELECT typname FROM pg_type WHERE typnamespace = pg_my_temp_schema() AND typrelid = 0 AND typelem = 0
                     UNION SELECT proname FROM pg_proc WHERE pronamespace = pg_my_temp_schema()
                     UNION SELECT stxname FROM pg_statistic_ext WHERE stxnamespace = pg_my_temp_schema()) t
         WHERE statement ~* '\mu&"'
            OR statement ~* ('(?<![[:alnum:]_$])' || regexp_replace(replace(name, '"', '""'), '([^[:alnum:]_])', '\\\1', 'g') || '(?![[:alnum:]_$])')))
$f$;

-- CREATE TABLE AS and SELECT INTO: from any source (temporary, prepared, parameters, random()) and at any depth of functions.
CREATE OR REPLACE FUNCTION pgedge_internal.queue_made_table(relation oid, who text, typed jsonb) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
               WHERE a.attrelid = relation AND a.attnum > 0 AND t.typnamespace = pg_my_temp_schema()) THEN
        PERFORM pgedge_internal.refuse('a table with a column of a temporary type cannot be replicated', 'Select the columns of the temporary table one by one.');
    END IF;
    PERFORM pgedge_internal.send_ddl(who, typed, pgedge_internal.table_structure(relation));
    PERFORM pgedge_internal.join_table(relation);
    IF (SELECT relpersistence FROM pg_class WHERE oid = relation) = 'p' THEN
        PERFORM set_config('pgedge.rows', relation::text, true);
    END IF;
END $f$;

-- SET LOGGED: the rows that other nodes have in an unlogged table are theirs alone and go; ours are written again and travel.
CREATE OR REPLACE FUNCTION pgedge_internal.queue_logged_table(relation oid, who text, typed jsonb, statement text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    filled boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', relation::regclass) INTO filled;
    IF filled AND EXISTS (SELECT FROM pg_class c WHERE c.oid = relation AND (c.relhasrules OR c.relrowsecurity OR c.relowner::regrole::text <> quote_ident(who)
               OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND NOT tgisinternal)
               OR EXISTS (SELECT FROM pg_constraint WHERE confrelid = relation))) THEN
        PERFORM pgedge_internal.refuse('SET LOGGED for a table with rows that has triggers, rules, policies, references to it or another owner cannot be replicated',
            'Create another table, INSERT the rows into it, and rename it.');
    END IF;
    PERFORM pgedge_internal.send_ddl(who, typed, format('DELETE FROM ONLY %s', relation::regclass));
    PERFORM pgedge_internal.send_ddl(who, typed, statement);
    PERFORM pgedge_internal.join_table(relation);
    IF filled THEN PERFORM set_config('pgedge.rows', relation::text, true); END IF;
END $f$;

-- Whether the running DDL stores a time that was computed from a literal like 'now' when the statement was read: each node would
-- compute another one. Looks for such literals in the text, and for dates and times in what this transaction stored.
CREATE OR REPLACE FUNCTION pgedge_internal.stores_moment(statement text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
    SELECT statement ~* '''\s*(now|today|tomorrow|yesterday)(\s[^'']*)?''' AND EXISTS (
        SELECT FROM pg_event_trigger_ddl_commands() e CROSS JOIN LATERAL (
            SELECT xmin, adbin::text FROM pg_attrdef WHERE e.classid = 'pg_class'::regclass AND adrelid = e.objid
            UNION ALL SELECT xmin, conbin::text FROM pg_constraint WHERE e.objid IN (conrelid, contypid)
            UNION ALL SELECT xmin, ev_action::text FROM pg_rewrite WHERE e.classid = 'pg_class'::regclass AND ev_class = e.objid
            UNION ALL SELECT xmin, typdefaultbin::text FROM pg_type WHERE e.classid = 'pg_type'::regclass AND oid = e.objid
            ) x(writer, expression)
         WHERE pgedge_internal.is_ours(writer)
           AND expression ~ format(':consttype (%s) ', (SELECT string_agg(oid::text, '|') FROM pg_type WHERE typcategory = 'D' AND typnamespace = 'pg_catalog'::regnamespace)))
$f$;

-- A statement of which the other nodes need another text. They run it inside a transaction, without CONCURRENTLY. An index that
-- CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY could not finish is on this node alone: it can be dropped, and takes the name
-- that an index without one would get elsewhere.
CREATE OR REPLACE FUNCTION pgedge_internal.text_for_others(statement text, bare text, tag text) RETURNS text LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
DECLARE
    index oid;
BEGIN
    IF tag = 'CREATE INDEX' AND bare ~* '^\s*create\s+(unique\s+)?index\s+(concurrently|on)\M' THEN
        SELECT objid INTO index FROM pg_event_trigger_ddl_commands() e JOIN pg_class c ON c.oid = e.objid
         WHERE e.classid = 'pg_class'::regclass AND c.relkind = 'i';   -- not the index of a partitioned table, which means its partitions too
        RETURN coalesce(pg_get_indexdef(index), statement);
    END IF;
    IF tag = 'DROP INDEX' AND bare ~* '^\s*drop\s+index\M' THEN
        RETURN format('DROP INDEX IF EXISTS %s', current_setting('pgedge.dropped_indexes'))
            || CASE WHEN bare ~* '\mcascade\s*$' THEN ' CASCADE' ELSE '' END;
    END IF;
    RETURN statement;
END $f$;

-- DETACH PARTITION CONCURRENTLY commits before ddl_command_end, and leaves a constraint that other nodes would not have: their rows
-- could not be applied. It cannot be part of a function or of a message with more statements.
CREATE OR REPLACE FUNCTION pgedge_internal.on_detach() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
BEGIN
    IF current_query() !~* '\mconcurrently\M' OR coalesce(current_setting('pgedge.replicate_ddl', true), '') = 'off' OR pgedge_internal.alone() THEN RETURN; END IF;
    IF (pgedge_internal.read_statement(string_to_array(current_query(), ';'), 1, false)).bare ~* '^\s*alter\s+table\M.*\mdetach\s+partition\M.*\mconcurrently\s*$' THEN
        PERFORM pgedge_internal.refuse('DETACH PARTITION CONCURRENTLY cannot be replicated', 'Leave out CONCURRENTLY.');
    END IF;
END $f$;

-- lc_messages: PG_CONTEXT, in which the statement of a function stands, is a text for people.
CREATE OR REPLACE FUNCTION pgedge_internal.on_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET lc_messages = 'C' AS $f$
DECLARE
    source constant text := current_query();
    typed constant jsonb := current_setting('pgedge.typed');
    who constant text := coalesce(nullif(current_setting('role'), 'none'), session_user::text);
    escapes constant boolean := typed->'settings'->>'standard_conforming_strings' = 'off';
    dropped constant text := coalesce(current_setting('pgedge.dropped', true), '');
    rewritten constant text[] := string_to_array(current_setting('pgedge.rewritten', true), '/');
    -- It has committed before this event: too late to refuse, and what is sent is its definition, without the tablespace.
    committed constant boolean := tg_tag = 'CREATE INDEX' AND source ~* '\mconcurrently\M';
    context text;
    query_id bigint;
    statement text;
    bare text;
    made record;
    relation oid;
BEGIN
    GET DIAGNOSTICS context = PG_CONTEXT;
    context := substr(context, strpos(context || E'\n', E'\n') + 1);   -- the first line is this function
    PERFORM set_config(name, '', true) FROM unnest('{pgedge.dropped,pgedge.rewritten,pgedge.rows}'::text[]) name;
    IF pgedge_internal.alone() THEN
        PERFORM pgedge_internal.lose_place(source);
        RETURN;
    END IF;
    IF context = '' THEN
        query_id := pgedge_internal.own_query_id();
        IF query_id IS NULL THEN   -- has to see every event of the message
            statement := pgedge_internal.running_statement(source, tg_tag, NULL, escapes);
        END IF;
    END IF;
    -- Each node fills its own materialized views, has its own publications, subscriptions and large objects.
    IF current_setting('pgedge.replicate_ddl', true) = 'off' OR tg_tag ~ '^(REFRESH MATERIALIZED VIEW|REINDEX|ALTER LARGE OBJECT)$|(PUBLICATION|SUBSCRIPTION)$' THEN
        RETURN;
    END IF;
    SELECT count(*) FILTER (WHERE NOT temporary) AS permanent, count(*) FILTER (WHERE temporary) AS temporary INTO made
      FROM (SELECT coalesce(schema_name = 'pg_temp' OR object_identity ~ '(^| )pg_temp\.' OR classid = 'pg_statistic_ext'::regclass
                            AND (SELECT c.relpersistence = 't' FROM pg_statistic_ext s JOIN pg_class c ON c.oid = s.stxrelid WHERE s.oid = objid),
                            false) AS temporary   -- GRANT and the like have no object
              FROM pg_event_trigger_ddl_commands() WHERE NOT in_extension AND object_type !~* '^(large object|publication|subscription)') o;
    IF made.permanent = 0 AND dropped NOT IN ('permanent', 'mixed') THEN RETURN; END IF;
    IF made.permanent > 0 AND made.temporary > 0 OR dropped = 'mixed' THEN
        PERFORM pgedge_internal.refuse('one statement for temporary and permanent objects cannot be replicated', 'Use one statement for each kind.');
    END IF;
    IF typed->>'user' <> who THEN
        PERFORM pgedge_internal.refuse('DDL inside of a SECURITY DEFINER function of another user cannot be replicated');
    END IF;
    IF tg_tag = 'DROP OWNED' THEN
        PERFORM pgedge_internal.refuse('DROP OWNED cannot be replicated', 'Drop the objects by name.');
    END IF;
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() e JOIN pg_class c ON c.oid = e.objid
               WHERE e.classid = 'pg_class'::regclass AND c.reltablespace <> 0 AND tg_tag ~ '^(CREATE|SELECT INTO)') AND NOT committed THEN
        PERFORM pgedge_internal.refuse('a table or index in a tablespace cannot be replicated: other nodes may not have it',
            'Create it without TABLESPACE and with an empty default_tablespace, then SET pgedge.replicate_ddl = off and move it on each node.');
    END IF;
    IF tg_tag IN ('CREATE TABLE AS', 'SELECT INTO') THEN
        FOR relation IN SELECT objid FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_class'::regclass LOOP
            PERFORM pgedge_internal.queue_made_table(relation, who, typed);
        END LOOP;
        RETURN;
    END IF;

    IF context <> '' THEN
        statement := pgedge_internal.inner_statement(context, escapes);
        IF statement IS NULL THEN
            PERFORM pgedge_internal.refuse(format('%s inside of this function cannot be replicated: its text is not known for sure', tg_tag),
                'Give each DDL statement of a PL/pgSQL function an EXECUTE of its own, or send it as a message of its own.');
        END IF;
    ELSE
        IF query_id IS NOT NULL THEN statement := pgedge_internal.running_statement(source, tg_tag, query_id, escapes); END IF;
        IF statement = '' THEN RETURN; END IF;
        IF statement IS NULL THEN
            PERFORM pgedge_internal.refuse(format('%s: it is not sure which statement of the message this is', tg_tag), 'Send it as a message of its own.');
        END IF;
    END IF;
    bare := (pgedge_internal.read_statement(string_to_array(statement, ';'), 1, escapes)).bare;
    IF bare ~* '^\s*(create|alter)\s+extension\M' AND tg_tag !~ ' EXTENSION$' THEN RETURN; END IF;   -- a script of it
    IF bare !~* '^\s*(create|alter|drop|comment|grant|revoke|security|import)\M' OR bare IS NULL THEN
        PERFORM pgedge_internal.refuse(format('%s inside of %s cannot be replicated', tg_tag, upper(substring(bare from '\w+'))));
    END IF;
    -- Bodies of functions are resolved when they run.
    IF pgedge_internal.names_temporary(CASE WHEN tg_tag ~ '^CREATE (FUNCTION|PROCEDURE)$' THEN bare ELSE statement END) THEN
        PERFORM pgedge_internal.refuse(format('%s: the statement has the name of a temporary object of this session in it, which other nodes do not have', tg_tag),
            'Drop or rename the temporary object, or send the statement in another session.');
    END IF;
    -- Apply stops at a row that breaks one for a moment. A primary key may be one: its table sends inserts only.
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() e JOIN pg_constraint c ON c.conrelid = e.objid
               WHERE e.classid = 'pg_class'::regclass AND c.contype IN ('u', 'x') AND c.condeferrable AND pgedge_internal.is_ours(c.xmin)) THEN
        PERFORM pgedge_internal.refuse('a UNIQUE or EXCLUDE constraint that is DEFERRABLE cannot be replicated', 'Leave out DEFERRABLE.');
    END IF;
    IF pgedge_internal.stores_moment(statement) THEN
        PERFORM pgedge_internal.refuse('a literal like ''now'' cannot be replicated: each node would compute it anew', 'Write now(), or the value.');
    END IF;
    IF tg_tag IN ('ALTER INDEX', 'COMMENT') AND EXISTS (
           SELECT FROM pg_event_trigger_ddl_commands() e JOIN pg_index i ON i.indexrelid = e.objid JOIN pg_class c ON c.oid = e.objid
            WHERE e.classid = 'pg_class'::regclass AND c.relkind = 'i' AND NOT i.indisvalid) THEN
        PERFORM pgedge_internal.refuse(format('%s: the index is not valid, and on this node alone', tg_tag), 'Drop it, and create it again.');
    END IF;
    IF EXISTS (SELECT FROM regexp_matches(bare, '\mset\s+(\S+)\s+from\s+current\M', 'gi') m
               WHERE lower(btrim(m[1], '"')) <> ALL (SELECT lower(k) FROM jsonb_object_keys(typed->'settings') k UNION ALL SELECT 'search_path')) THEN
        PERFORM pgedge_internal.refuse('SET … FROM CURRENT of this setting cannot be replicated: other nodes do not have its value', 'SET … TO the value.');
    END IF;
    IF tg_tag ~ '^(CREATE|ALTER) (TABLE|INDEX|MATERIALIZED VIEW)$' AND bare ~* '\mtablespace\M(?!\s+"?pg_default\M)' AND NOT committed THEN
        PERFORM pgedge_internal.refuse('a statement with TABLESPACE cannot be replicated: other nodes may not have it',
            'Run it without TABLESPACE, then SET pgedge.replicate_ddl = off and move the table or index on each node.');
    END IF;
    IF tg_tag = 'ALTER TABLE' AND bare ~* '\madd\M' THEN
        IF bare ~* '\mset\s+default\M' AND (rewritten[2]::int & 2 > 0 OR EXISTS (
               SELECT FROM pg_event_trigger_ddl_commands() e JOIN pg_attribute a ON a.attrelid = e.objid
                WHERE e.classid = 'pg_class'::regclass AND a.atthasmissing AND pgedge_internal.is_ours(a.xmin))) THEN
            PERFORM pgedge_internal.refuse('ADD COLUMN with a default together with SET DEFAULT cannot be replicated', 'Use one statement for each.');
        END IF;
        FOR relation IN SELECT objid FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_class'::regclass LOOP
            IF pgedge_internal.adds_unsteady_column(relation, true) THEN
                PERFORM pgedge_internal.refuse_unsteady_column();
            END IF;
        END LOOP;
    END IF;
    IF rewritten[2]::int & 4 > 0 AND bare ~* '\musing\M' AND pgedge_internal.calls_unsteady(bare) THEN
        PERFORM pgedge_internal.refuse('ALTER COLUMN … TYPE … USING an expression that is not immutable cannot be replicated',
            'ADD COLUMN, UPDATE it, and drop the old one.');
    END IF;
    statement := pgedge_internal.text_for_others(statement, bare, tg_tag);
    IF rewritten[2]::int & 1 > 0 AND rewritten[3] = 'u' AND rewritten[1]::oid IN (SELECT objid FROM pg_event_trigger_ddl_commands()) THEN
        PERFORM pgedge_internal.queue_logged_table(rewritten[1]::oid, who, typed, statement);
    ELSE
        PERFORM pgedge_internal.send_ddl(who, typed, statement);
    END IF;
END $f$;

-- Only what on_ddl() calls: an event trigger, which nobody can call by hand.
REVOKE ALL ON FUNCTION pgedge_internal.send_ddl(text, jsonb, text), pgedge_internal.queue_made_table(oid, text, jsonb),
    pgedge_internal.queue_logged_table(oid, text, jsonb, text), pgedge_internal.own_query_id() FROM PUBLIC;

CREATE EVENT TRIGGER pgedge_1_drop ON sql_drop EXECUTE FUNCTION pgedge_internal.on_drop_note();
CREATE EVENT TRIGGER pgedge_1_queue ON ddl_command_end EXECUTE FUNCTION pgedge_internal.on_ddl();
CREATE EVENT TRIGGER pgedge_1_detach ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION pgedge_internal.on_detach();
