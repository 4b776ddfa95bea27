-- Which statement of a message runs: the server knows the text of the whole message only.
--
-- PostgreSQL 14 and 15 give every statement that is no SELECT, INSERT, … the hash of its own text as query id, also inside a
-- message of many. So what lies between two semicolons and has this hash is the statement: a wrong cut has no matching hash and
-- is refused. Later versions hash the parse tree; there, and where compute_query_id is off, the statements of a message are
-- counted: each that fires event triggers is followed by its event, in order. Whatever makes that uncertain is refused.

-- Versions before this one had it.
DROP FUNCTION IF EXISTS pgedge_internal.one_statement(text);

-- Reads one statement of a message that was cut at its semicolons, from pieces[first] to pieces[last]. `bare` is its text without
-- strings, bodies and comments. All are NULL where the message ends inside a string or the
-- like. `escapes`: every string has escapes (standard_conforming_strings is off).
CREATE OR REPLACE FUNCTION pgedge_internal.read_statement(pieces text[], first int, escapes boolean, OUT last int, OUT text text, OUT bare text)
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
DECLARE
    -- # stands for what a string with escapes holds; it goes on after a line break, as '…' does for the reader of this.
    escaped constant text := $re$(?:[^'\\]|\\.|'')*$re$;
    -- First group: words and quoted names, which stay. Second: what is not closed in this piece, up to its end. A string with a
    -- doubled quote reads as two. Names go before strings, or the e of date'…' would begin a string with escapes.
    token constant text :=
        $re$([^\u0001-\u0040\u005b-\u005e\u0060\u007b-\u007f][^\u0001-\u0023\u0025-\u002f\u003a-\u0040\u005b-\u005e\u0060\u007b-\u007f]*|"[^"]*")$re$
        || $re$|[eE]'#(?:'[ \t\f\v]*[\n\r]\s*'#)*'|'[^']*'|--[^\n\r]*[\n\r]|/\*(?:[^*/]|\*+[^*/]|/+[^*/])*\*+/|\$\$(?:[^$]|\$[^$])*\$\$$re$
        || $re$|([eE]'#(?:'[ \t\f\v]*[\n\r]\s*'#)*\\?$|'[^']*$|"[^"]*$|--[^\n\r]*$|/\*(?:[^*/]|\*+[^*/]|/+[^*/])*(?:/\*.*)?[*/]*$$re$
        || $re$|\$\$(?:[^$]|\$[^$])*\$?$|\$[^\u0001-\u0040\u005b-\u005e\u0060\u007b-\u007f][^\u0001-\u002f\u003a-\u0040\u005b-\u005e\u0060\u007b-\u007f]*\$.*$)$re$;
    exact constant text := replace(CASE WHEN escapes THEN replace(token, '[eE]''', '[eE]?''') ELSE token END, '#', escaped);
    inside text := '';     -- what a piece begins in: the opener of a string, name, comment or body
    parentheses int := 0;
    blocks int := 0;       -- BEGIN ATOMIC and CASE that wait for their END
    nesting int;
    rest text;
    masked text;
    plain text;
    tail text;
    at int;
    begun text;
    whole text[] := '{}';
    read text[] := '{}';
    before text := '';     -- the end of what was read, for words that stand in two parts of it
BEGIN
    FOR i IN first .. cardinality(pieces) LOOP
        whole := whole || pieces[i];
        rest := translate(pieces[i], E'\u0002\u0003', '  ');
        LOOP
            at := CASE
                WHEN inside = '' THEN 0
                WHEN inside = 'e' THEN length(substring(rest from replace($re$^#(?:'[ \t\f\v]*[\n\r]\s*'#)*'(?!'|[ \t\f\v]*[\n\r]\s*')$re$, '#', escaped)))
                WHEN inside = '--' THEN length(substring(rest from '^[^\n\r]*[\n\r]'))
                WHEN inside <> '/*' THEN nullif(strpos(rest, inside), 0) + length(inside) - 1
            END;
            IF inside = '/*' THEN
                WHILE nesting > 0 AND strpos(rest, '*/') > 0 LOOP
                    IF strpos(rest, '/*') BETWEEN 1 AND strpos(rest, '*/') THEN
                        nesting := nesting + 1;
                        rest := substr(rest, strpos(rest, '/*') + 2);
                    ELSE
                        nesting := nesting - 1;
                        rest := substr(rest, strpos(rest, '*/') + 2);
                    END IF;
                END LOOP;
                IF nesting > 0 THEN nesting := nesting + (length(rest) - length(replace(rest, '/*', ''))) / 2; END IF;
                at := CASE nesting WHEN 0 THEN 0 END;
            END IF;
            EXIT WHEN at IS NULL;
            inside := '';
            masked := replace(regexp_replace(substr(rest, at + 1), exact, E' \\1\u0002\\2\u0003', 'g'), E'\u0002\u0003', '');
            plain := split_part(masked, E'\u0002', 1);
            tail := rtrim(substr(masked, length(plain) + 2), E'\u0003');
            masked := regexp_replace(plain, '"[^"]*"', '', 'g');
            parentheses := parentheses + length(replace(masked, ')', '')) - length(replace(masked, '(', ''));
            begun := CASE WHEN blocks = 0 THEN substring(before || masked from '(?i)\mbegin\s+atomic\M(.*)$') ELSE masked END;
            IF begun IS NOT NULL THEN
                begun := regexp_replace(begun, '\mas\s+\w+|\.\s*\w+', '', 'gi');
                blocks := blocks + CASE WHEN blocks = 0 THEN 1 ELSE 0 END
                    + (SELECT coalesce(sum(CASE lower(w[1]) WHEN 'case' THEN 1 ELSE -1 END), 0) FROM regexp_matches(begun, '\m(case|end)\M', 'gi') w);
            END IF;
            read := read || plain;
            before := right(before || masked, 20);
            EXIT WHEN tail = '';
            inside := CASE WHEN tail LIKE '$%' THEN substring(tail from '^\$[^$]*\$') WHEN tail ~ '^(--|/\*)' THEN left(tail, 2)
                           WHEN escapes AND tail LIKE '''%' THEN 'e' ELSE lower(left(tail, 1)) END;
            nesting := 1;
            rest := substr(tail, 1 + CASE WHEN tail ~* '^e' THEN 2 WHEN inside = 'e' THEN 1 ELSE length(inside) END);
        END LOOP;
        IF i = cardinality(pieces) AND inside = '--' THEN inside := ''; END IF;
        IF inside = '' AND parentheses <= 0 AND blocks <= 0 THEN
            last := i;
            text := btrim(array_to_string(whole, ';'), E' \t\n\r\f');
            bare := array_to_string(read, '');
            RETURN;
        END IF;
        read := read || ' '::text;
    END LOOP;
END $f$;

-- The tag of the event that follows a statement, told from its bare text; NULL where none follows, '?' where that is not known.
CREATE OR REPLACE FUNCTION pgedge_internal.event_tag(bare text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
DECLARE
    kind constant text := '^(?:ACCESS METHOD|AGGREGATE|CAST|COLLATION|CONVERSION|DEFAULT PRIVILEGES|DOMAIN|EXTENSION|FOREIGN DATA WRAPPER'
        || '|FOREIGN TABLE|FUNCTION|INDEX|LANGUAGE|LARGE OBJECT|MATERIALIZED VIEW|OPERATOR|OPERATOR CLASS|OPERATOR FAMILY|OWNED'
        || '|POLICY|PROCEDURE|PUBLICATION|ROUTINE|RULE|SCHEMA|SEQUENCE|SERVER|STATISTICS|SUBSCRIPTION|TABLE'
        || '|TEXT SEARCH CONFIGURATION|TEXT SEARCH DICTIONARY|TEXT SEARCH PARSER|TEXT SEARCH TEMPLATE|TRANSFORM|TRIGGER|TYPE'
        || '|USER MAPPING|VIEW)\M';
    head constant text := upper(btrim(regexp_replace(left(bare, 2000), '\s+', ' ', 'g')));
    outer_words text := bare;
    shorter text;
    verb constant text := substring(head from '^(?:CREATE|ALTER|DROP)\M');
    what text;
BEGIN
    what := substring(regexp_replace(substr(head, length(verb) + 2), '^(?:OR REPLACE )?(?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|UNIQUE|'
        || 'RECURSIVE|TRUSTED|PROCEDURAL|CONSTRAINT|DEFAULT(?! PRIVILEGES)) )*', '') from kind);
    IF verb = 'CREATE' AND what = 'TABLE' AND bare ~* '\mas\M' THEN   -- the AS of CREATE TABLE … AS is outside of parentheses
        LOOP
            shorter := regexp_replace(outer_words, '\([^()]*\)', '', 'g');
            EXIT WHEN shorter = outer_words;
            outer_words := shorter;
        END LOOP;
        IF outer_words ~* '\mas\M' THEN RETURN 'CREATE TABLE AS'; END IF;
    END IF;
    IF what IS NOT NULL THEN RETURN verb || ' ' || what; END IF;
    IF head ~ '^(CREATE|ALTER|DROP) (ROLE|USER|GROUP|DATABASE|TABLESPACE|EVENT TRIGGER|SYSTEM)\M' THEN RETURN NULL; END IF;
    RETURN CASE
        WHEN head = '' THEN NULL
        WHEN head ~ '^(SELECT|WITH|VALUES|TABLE|\()' THEN
            CASE WHEN regexp_replace(bare, '\m(insert|merge)\s+into\M', '', 'gi') ~* '\minto\M' THEN 'SELECT INTO' END
        WHEN head ~ '^(GRANT|REVOKE)\M' AND (head !~ '\mON\M' OR head ~ '\mON (DATABASE|TABLESPACE|PARAMETER)\M') THEN NULL
        WHEN head ~ '^(COMMENT|SECURITY LABEL)\M' AND head ~ '\mON (DATABASE|TABLESPACE|ROLE|EVENT TRIGGER)\M' THEN NULL
        WHEN head ~ '^REINDEX\M' AND current_setting('server_version_num')::int < 170000 THEN NULL
        WHEN head ~ '^(COMMENT|GRANT|IMPORT FOREIGN SCHEMA|REFRESH MATERIALIZED VIEW|REINDEX|REVOKE|SECURITY LABEL)\M' THEN
            substring(head from '^(COMMENT|GRANT|IMPORT FOREIGN SCHEMA|REFRESH MATERIALIZED VIEW|REINDEX|REVOKE|SECURITY LABEL)')
        WHEN head ~ ('^(ABORT|ANALYZE|BEGIN|CALL|CHECKPOINT|CLOSE|CLUSTER|COMMIT|COPY|DEALLOCATE|DECLARE|DELETE|DISCARD|DO|END|EXECUTE'
                     || '|EXPLAIN|FETCH|INSERT|LISTEN|LOAD|LOCK|MERGE|MOVE|NOTIFY|PREPARE|REASSIGN|RELEASE|RESET|ROLLBACK|SAVEPOINT|SET'
                     || '|SHOW|START|TRUNCATE|UNLISTEN|UPDATE|VACUUM)\M') THEN NULL
        ELSE '?'
    END;
END $f$;

-- The text of the only statement of a message; NULL where there are several or the text cannot be read.
CREATE OR REPLACE FUNCTION pgedge_internal.only_statement(source text, escapes boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
DECLARE
    blank constant text := E' \t\n\r\f';
    pieces constant text[] := string_to_array(rtrim(source, blank || ';'), ';');
    one record;
    more record;
BEGIN
    SELECT * INTO one FROM pgedge_internal.read_statement(pieces, 1, escapes);
    more := one;
    WHILE more.last < cardinality(pieces) LOOP   -- nothing but comments may follow
        SELECT * INTO more FROM pgedge_internal.read_statement(pieces, more.last + 1, escapes);
        IF more.last IS NULL OR more.bare ~ '\S' THEN RETURN NULL; END IF;
    END LOOP;
    RETURN one.text;
END $f$;

-- A note of how far running_statement() is in a message: message/piece, or message/? where that is not known.
CREATE OR REPLACE FUNCTION pgedge_internal.message_id(source text) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $f$ SELECT extract(epoch from statement_timestamp()) || ':' || length(source) $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.lose_place(source text) RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $f$ SELECT set_config('pgedge.cursor', pgedge_internal.message_id(source) || '/?', false) $f$;

-- The statement of this message that the event `tag` belongs to. NULL where that is not sure; '' where a script of the extension
-- that the message makes runs it. Without a query id (NULL) it has to be called for every event of the message.
CREATE OR REPLACE FUNCTION pgedge_internal.running_statement(source text, tag text, query_id bigint, escapes boolean) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
DECLARE
    blank constant text := E' \t\n\r\f';
    message constant text := pgedge_internal.message_id(source);
    noted constant text[] := string_to_array(current_setting('pgedge.cursor', true), '/');
    pieces text[];
    start int := 1;
    one record;
    statement text;
    expected text;
BEGIN
    IF noted[1] = message THEN start := nullif(noted[2], '?')::int; END IF;
    IF query_id IS NOT NULL THEN
        -- Most are the whole message, or one piece of it: these need no reading.
        FOR statement IN SELECT btrim(s, blank) FROM unnest(ARRAY[source, rtrim(source, blank || ';')]) s LOOP
            IF hashtextextended(statement, 0) = query_id THEN RETURN statement; END IF;
        END LOOP;
        pieces := string_to_array(source, ';');
        SELECT btrim(p, blank) AS text, at INTO one FROM unnest(pieces[start:]) WITH ORDINALITY u(p, at)
         WHERE hashtextextended(btrim(p, blank), 0) = query_id LIMIT 1;
        IF FOUND THEN
            PERFORM set_config('pgedge.cursor', message || '/' || start + one.at, false);
            RETURN one.text;
        END IF;
    ELSE
        statement := pgedge_internal.only_statement(source, escapes);
        IF statement IS NOT NULL THEN RETURN statement; END IF;
        -- After ROLLBACK the note of where we are is that of before. And the message was read with the setting of its start.
        IF start IS NULL OR source ~* '\m(rollback|abort)\M' OR source ~* 'standard_conforming_strings' AND source LIKE '%\\%' THEN
            RETURN NULL;
        END IF;
        pieces := string_to_array(source, ';');
    END IF;
    WHILE start <= cardinality(pieces) LOOP
        SELECT * INTO one FROM pgedge_internal.read_statement(pieces, start, escapes);
        EXIT WHEN one.last IS NULL;
        start := one.last + 1;
        IF query_id IS NOT NULL THEN
            CONTINUE WHEN hashtextextended(one.text, 0) <> query_id;
        ELSE
            expected := pgedge_internal.event_tag(one.bare);
            CONTINUE WHEN expected IS NULL;
            IF expected <> tag AND expected IN ('CREATE EXTENSION', 'ALTER EXTENSION') THEN RETURN ''; END IF;
            EXIT WHEN expected <> tag;
        END IF;
        PERFORM set_config('pgedge.cursor', message || '/' || start, false);
        RETURN one.text;
    END LOOP;
    IF query_id IS NOT NULL AND noted[1] = message AND noted[2] <> '1' THEN
        -- ROLLBACK TO may have thrown us back to before the note was made: once more from the start.
        PERFORM set_config('pgedge.cursor', message || '/1', false);
        RETURN pgedge_internal.running_statement(source, tag, query_id, escapes);
    END IF;
    IF query_id IS NULL THEN PERFORM pgedge_internal.lose_place(source); END IF;
    RETURN NULL;
END $f$;

-- The innermost statement of a PL/pgSQL function, from the context of its event; NULL where it cannot be told for sure.
--
-- The context does not quote: a text in it may itself look like a line of context and would be cut short. So all that follows has
-- to look like plain frames, and the piece has to be one whole statement. A forged text runs elsewhere with the rights of its
-- author.
CREATE OR REPLACE FUNCTION pgedge_internal.inner_statement(context text, escapes boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
DECLARE
    found text[] := regexp_match(context, '^SQL statement "(.*?)"\n(PL/pgSQL function [^\n]*)(.*)$');
BEGIN
    IF found IS NULL OR found[1] ~ '\nSQL (statement|function|expression)'
       OR found[3] !~ ('^(\n(PL/pgSQL function [^\n]+|SQL statement "(SELECT|select|CALL|call) [^"\n]*"|SQL expression "[^"\n]+"'
                       || '|PL/pgSQL assignment "[^"\n]+"|SQL function "[^"\n]+" [^\n]+))*$') THEN
        RETURN NULL;
    END IF;
    RETURN pgedge_internal.only_statement(found[1], escapes);
END $f$;

REVOKE ALL ON FUNCTION pgedge_internal.running_statement(text, text, bigint, boolean) FROM PUBLIC;
