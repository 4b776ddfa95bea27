#include "agent/postgres/schema_support.hpp"

namespace pgedge {
namespace {

// A sequence with increment k counts in steps of 16 k; node number i takes the values whose place in the original row
// of numbers is i modulo 16. So nodes never give the same number, and each keeps the direction and start that was asked
// for. Says the same when called again: then nothing is altered. ALTER SEQUENCE … RESTART, run on all nodes, is spread
// again; setval() is not seen: call pgedge_internal.spread_sequence() after it.
const char* const kSpreadSequence = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.spread_sequence(seq regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET pgedge.replicate_ddl = off AS $f$
DECLARE
    nodes constant numeric := 16;
    me numeric;
    s record;
    unit numeric;
    phase numeric;
    last numeric;
    called boolean;
    new_start numeric;
    new_value numeric;
    edge numeric;
BEGIN
    SELECT ordinal INTO me FROM pgedge_internal.node;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT q.*, c.relpersistence INTO s FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid WHERE q.seqrelid = seq;
    IF NOT FOUND OR s.relpersistence = 't' THEN RETURN; END IF;
    unit := CASE WHEN s.seqincrement % nodes = 0 THEN div(s.seqincrement, nodes) ELSE s.seqincrement END;
    phase := s.seqstart % abs(unit);
    EXECUTE format('SELECT last_value, is_called FROM %s', seq) INTO last, called;
    new_start := pgedge_internal.nth_of_node(s.seqstart, unit, phase, me);
    new_value := pgedge_internal.nth_of_node(CASE WHEN called THEN last + unit ELSE last END, unit, phase, me);
    IF s.seqincrement = unit * nodes AND s.seqstart = new_start
       AND new_value = (CASE WHEN called THEN last + s.seqincrement ELSE last END) THEN
        RETURN;
    END IF;
    IF new_value NOT BETWEEN s.seqmin AND s.seqmax OR new_start NOT BETWEEN s.seqmin AND s.seqmax THEN
        RAISE WARNING 'sequence % is too short to be shared by % nodes: they may give the same numbers', seq, nodes;
        RETURN;
    END IF;
    edge := CASE WHEN unit > 0 THEN s.seqmin ELSE s.seqmax END;
    EXECUTE format('ALTER SEQUENCE %s INCREMENT BY %s START WITH %s RESTART WITH %s', seq, unit * nodes, new_start, new_value)
        || CASE WHEN s.seqcycle THEN format(CASE WHEN unit > 0 THEN ' MINVALUE %s' ELSE ' MAXVALUE %s' END,
                                            pgedge_internal.nth_of_node(edge, unit, phase, me)) ELSE '' END;
END $f$)sql";

const char* const kNthOfNode = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.nth_of_node(value numeric, unit numeric, phase numeric, node numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    place numeric := ceil((value - phase) / unit);
BEGIN
    RETURN phase + unit * (place + ((node - place) % 16 + 16) % 16);
END $f$)sql";

const char* const kOnSequence = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.on_sequence() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp {}AS $f$
DECLARE
    seq oid;
BEGIN
    FOR seq IN SELECT DISTINCT objid FROM pg_event_trigger_ddl_commands()
               WHERE object_type = 'sequence' AND classid = 'pg_class'::regclass AND NOT in_extension LOOP
        PERFORM pgedge_internal.spread_sequence(seq::regclass);
    END LOOP;
END $f$)sql";

const char* const kAdoptSequences = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.adopt_sequences() RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp {}AS $f$
DECLARE
    seq oid;
BEGIN
    FOR seq IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind = 'S' AND n.nspname NOT IN ('pgedge_internal', 'pglogical', 'spock', 'pg_catalog', 'information_schema')
                 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                 AND d.deptype = 'e') LOOP
        PERFORM pgedge_internal.spread_sequence(seq::regclass);
    END LOOP;
END $f$)sql";

// The one statement of a message, without comments; an error when there are more. A text is replayed whole on other
// nodes, and with "CREATE …; INSERT …" in it a row would be there twice.
const char* const kOneStatement = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.one_statement(source text) RETURNS text LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    rest text := source;
    result text := '';
    piece text;
    word text;
    previous text := '';
    parentheses int := 0;
    blocks int := 0;
    deep int;
    ended boolean := false;
    at int;
BEGIN
    WHILE rest <> '' LOOP
        word := '';
        piece := substring(rest from '^\s+');
        IF piece IS NOT NULL THEN
            result := result || piece;
            rest := substr(rest, length(piece) + 1);
            CONTINUE;
        END IF;
        IF rest LIKE '--%' THEN
            rest := substr(rest, length(substring(rest from '^--[^\n]*')) + 1);
            CONTINUE;
        END IF;
        IF rest LIKE '/*%' THEN
            deep := 1;
            rest := substr(rest, 3);
            WHILE deep > 0 AND rest <> '' LOOP
                piece := substring(rest from '^(?:[^*/]|\*(?!/)|/(?!\*))+');
                IF piece IS NOT NULL THEN
                    rest := substr(rest, length(piece) + 1);
                ELSE
                    deep := deep + CASE WHEN rest LIKE '/*%' THEN 1 ELSE -1 END;
                    rest := substr(rest, 3);
                END IF;
            END LOOP;
            result := result || ' ';
            CONTINUE;
        END IF;
        piece := substring(rest from '^\$(?:[[:alpha:]_\u0080-\uffff][[:alnum:]_\u0080-\uffff]*)?\$');
        IF piece IS NOT NULL THEN
            at := strpos(substr(rest, length(piece) + 1), piece);
            IF at > 0 THEN piece := substr(rest, 1, at - 1 + 2 * length(piece)); END IF;
        ELSE
            piece := coalesce(substring(rest from '^[eE]''(?:[^''\\]|\\.|'''')*'''),
                              substring(rest from '^''(?:[^'']|'''')*'''),
                              substring(rest from '^"(?:[^"]|"")*"'));
            IF piece IS NULL THEN
                piece := substring(rest from '^[[:alpha:]_\u0080-\uffff][[:alnum:]_$\u0080-\uffff]*');
                word := upper(coalesce(piece, ''));
            END IF;
        END IF;
        IF piece IS NULL THEN piece := left(rest, 1); END IF;
        rest := substr(rest, length(piece) + 1);
        IF piece = ';' AND parentheses = 0 AND blocks = 0 THEN
            ended := true;
            CONTINUE;
        END IF;
        IF ended THEN
            RAISE EXCEPTION 'a message with several statements, one of them DDL, cannot be replicated'
                USING ERRCODE = 'feature_not_supported', HINT = 'Send each statement by itself.';
        END IF;
        parentheses := parentheses + CASE piece WHEN '(' THEN 1 WHEN ')' THEN -1 ELSE 0 END;
        IF word = 'ATOMIC' AND previous = 'BEGIN' AND blocks = 0 THEN blocks := 1;
        ELSIF blocks > 0 AND word = 'CASE' THEN blocks := blocks + 1;
        ELSIF blocks > 0 AND word = 'END' THEN blocks := blocks - 1;
        END IF;
        previous := word;
        result := result || piece;
    END LOOP;
    RETURN btrim(result, E' \t\r\n');
END $f$)sql";

// Runs with the rights of whoever typed the DDL, so that the names in its texts are looked up as theirs.
const char* const kOnDdl = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $f$
BEGIN
    PERFORM pgedge_internal.queue_ddl(tg_event, tg_tag, pg_catalog.current_setting('search_path'));
END $f$)sql";

// Takes the statement and the user from the server, not from its arguments: whoever calls it cannot lend himself
// rights. pg_event_trigger_… refuse to run outside of an event trigger.
const char* const kQueueDdl = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.queue_ddl(event text, tag text, path text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    stamp text := format('%s/%s', pg_current_xact_id(), extract(epoch from statement_timestamp()));
    who text := coalesce(nullif(current_setting('role'), 'none'), session_user::text);
    concerned boolean;
    statement text;
BEGIN
    IF coalesce(current_setting('pgedge.replicate_ddl', true), '') = 'off'
       OR current_setting('pgedge.queued', true) IS NOT DISTINCT FROM stamp
       OR tag ~ '^(REFRESH MATERIALIZED VIEW|(CREATE|ALTER|DROP) SUBSCRIPTION)$' THEN
        RETURN;
    END IF;
    IF event = 'sql_drop' THEN
        SELECT bool_or(NOT is_temporary AND schema_name IS DISTINCT FROM 'pg_temp') INTO concerned
        FROM pg_event_trigger_dropped_objects() WHERE original;
    ELSE
        SELECT bool_or(NOT in_extension AND schema_name IS DISTINCT FROM 'pg_temp') INTO concerned
        FROM pg_event_trigger_ddl_commands();
    END IF;
    IF concerned IS NOT TRUE THEN RETURN; END IF;
    IF current_setting('standard_conforming_strings') = 'off' THEN
        RAISE EXCEPTION 'DDL cannot be replicated while standard_conforming_strings is off'
            USING ERRCODE = 'feature_not_supported';
    END IF;
    statement := pgedge_internal.one_statement(current_query());
    IF statement !~* '^(create|alter|drop|comment|grant|revoke|security|import)\M'
       AND NOT (tag = 'SELECT INTO' AND statement ~* '^(select|with)\M') THEN
        RAISE EXCEPTION '% inside a function or DO block cannot be replicated', tag
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Send it as a statement of its own, or SET pgedge.replicate_ddl = off and run it on each node.';
    END IF;
    -- These cannot run inside a transaction, which is where the other nodes run them.
    statement := regexp_replace(statement, '^((?:create\s+(?:unique\s+)?|drop\s+)index\s+)concurrently\M', '\1', 'i');
    IF tag = 'ALTER TABLE' THEN
        statement := regexp_replace(statement, '(\mdetach\s+partition\s.*)\mconcurrently\s*$', '\1', 'i');
    END IF;
    INSERT INTO pglogical.queue (queued_at, role, replication_sets, message_type, message)
    VALUES (now(), current_user, '{ddl_sql}', 'Q',
            to_json(format('SELECT pgedge_internal.run_ddl(%L, %L, %L)', who, path, statement)));
    PERFORM set_config('pgedge.queued', stamp, true);
END $f$)sql";

// Runs a queued statement as the user who typed it, in a function that is theirs: inside it they cannot become the
// superuser that apply runs as. It is made for this one call, so that nobody can alter it before.
const char* const kRunDdl = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.run_ddl(who text, path text, statement text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    runner text := format('pgedge_internal.run_%s', pg_current_xact_id());
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = who) THEN
        RAISE EXCEPTION 'role "%" of the node that sent this DDL does not exist here', who
            USING ERRCODE = 'undefined_object', HINT = 'Roles are not replicated: create it on this node too.';
    END IF;
    EXECUTE format('CREATE FUNCTION %s(path text, statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER '
                   || 'SET search_path = pg_catalog, pg_temp AS '
                   || quote_literal('BEGIN PERFORM pg_catalog.set_config(''search_path'', path, true); EXECUTE statement; END'),
                   runner);
    EXECUTE format('REVOKE ALL ON FUNCTION %s(text, text) FROM PUBLIC', runner);
    EXECUTE format('ALTER FUNCTION %s(text, text) OWNER TO %I', runner, who);
    EXECUTE format('SELECT %s($1, $2)', runner) USING path, statement;
    EXECUTE format('DROP FUNCTION %s(text, text)', runner);
END $f$)sql";

// Tables with a key replicate whole, others by inserts only. A table that the user has put into a set of his own stays
// there.
const char* const kJoinTable = R"sql(
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
END $f$)sql";

const char* const kOnTable = R"sql(
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
END $f$)sql";

const char* const kOnDrop = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.on_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    IF to_regclass('pglogical.replication_set_table') IS NULL THEN RETURN; END IF;
    DELETE FROM pglogical.replication_set_table m USING pg_event_trigger_dropped_objects() d
     WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND d.object_type = 'table' AND m.set_reloid = d.objid;
END $f$)sql";

const char* const kAdoptTables = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.adopt() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    relation oid;
BEGIN
    FOR relation IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relpersistence = 'p' LOOP
        PERFORM pgedge_internal.join_table(relation);
    END LOOP;
    PERFORM pgedge_internal.adopt_sequences();
END $f$)sql";

const char* const kAdoptSequencesOnly = R"sql(
CREATE OR REPLACE FUNCTION pgedge_internal.adopt() RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS 'SELECT pgedge_internal.adopt_sequences()')sql";

/// {} in a function's head: Spock must not send the ALTER SEQUENCE of one node to the others.
std::string with_options(std::string function, bool extension_sends_ddl) {
    const auto at = function.find("{}");
    return function.replace(at, 2, extension_sends_ddl ? "SET spock.enable_ddl_replication = off " : "");
}

/// ENABLE ALWAYS: also for changes that come from other nodes.
void add_trigger(std::vector<std::string>& out, const std::string& name, const std::string& event,
                 const std::string& function, bool always) {
    out.push_back("CREATE EVENT TRIGGER " + name + " ON " + event + " EXECUTE FUNCTION pgedge_internal." + function +
                  "()");
    if (always) out.push_back("ALTER EVENT TRIGGER " + name + " ENABLE ALWAYS");
}

}  // namespace

std::vector<std::string> schema_support_statements(bool extension_sends_ddl) {
    std::vector<std::string> out;
    // Event triggers of one event fire in the order of their names: queue first, for what the others do is not typed.
    for (const char* trigger :
         {"pgedge_1_queue", "pgedge_1_queue_drop", "pgedge_2_join", "pgedge_2_leave", "pgedge_3_sequences"})
        out.push_back(std::string("DROP EVENT TRIGGER IF EXISTS ") + trigger);
    out.push_back(kNthOfNode);
    out.push_back(kSpreadSequence);
    out.push_back(with_options(kOnSequence, extension_sends_ddl));
    out.push_back(with_options(kAdoptSequences, extension_sends_ddl));
    if (extension_sends_ddl) {
        out.push_back(kAdoptSequencesOnly);
    } else {
        for (const char* function :
             {kOneStatement, kQueueDdl, kOnDdl, kRunDdl, kJoinTable, kOnTable, kOnDrop, kAdoptTables})
            out.push_back(function);
        // Only what apply and our own sessions call: the superuser.
        for (const char* function : {"run_ddl(text, text, text)", "join_table(oid)", "adopt()"})
            out.push_back(std::string("REVOKE ALL ON FUNCTION pgedge_internal.") + function + " FROM PUBLIC");
        add_trigger(out, "pgedge_1_queue", "ddl_command_end", "on_ddl", false);
        add_trigger(out, "pgedge_1_queue_drop", "sql_drop", "on_ddl", false);
        add_trigger(
            out, "pgedge_2_join",
            "ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE', 'CREATE "
            "SCHEMA', 'CREATE INDEX', 'ALTER INDEX')",
            "on_table", true);
        add_trigger(out, "pgedge_2_leave", "sql_drop", "on_drop", true);
    }
    add_trigger(out, "pgedge_3_sequences",
                "ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA', 'CREATE SEQUENCE', "
                "'ALTER SEQUENCE')",
                "on_sequence", true);
    return out;
}

}  // namespace pgedge
