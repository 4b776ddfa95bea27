-- ALTER TABLE that gives rows values which differ from node to node. Run by every dialect: both send its text, and each node
-- would compute values of its own.

CREATE OR REPLACE FUNCTION pgedge_internal.refuse(what text, hint text DEFAULT 'SET pgedge.replicate_ddl = off and run it on each node.')
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    RAISE EXCEPTION '%', what USING ERRCODE = 'feature_not_supported', HINT = hint;
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.refuse_unsteady_column() RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $f$
    SELECT pgedge_internal.refuse('a new column whose values differ from node to node cannot be replicated',
        'ADD COLUMN without a default and without identity, UPDATE the rows once all nodes have the column, then ALTER COLUMN … SET DEFAULT.')
$f$;

-- Whether a stored expression may give another value on another node or at another time: it calls something that is not
-- immutable. Reads the functions of the expression tree, those of operators and of conversions through text among them.
CREATE OR REPLACE FUNCTION pgedge_internal.is_unsteady(expression text) RETURNS boolean LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $f$
    SELECT expression ~ '\{(NEXTVALUEEXPR|SQLVALUEFUNCTION)\M'
        OR EXISTS (SELECT FROM regexp_matches(expression, ':(?:funcid|opfuncid) (\d+)', 'g') f JOIN pg_proc p ON p.oid = f[1]::oid
                   WHERE p.provolatile <> 'i')
        OR expression ~ '\{COERCEVIAIO\M' AND EXISTS (
            SELECT FROM regexp_matches(expression, ':(?:consttype|vartype|funcresulttype|opresulttype|resulttype) (\d+)', 'g') r
              JOIN pg_type t ON t.oid = r[1]::oid JOIN pg_proc p ON p.oid IN (t.typinput, t.typoutput) WHERE p.provolatile <> 'i')
$f$;

-- Whether this very transaction has written a row of a catalog, from its xmin.
CREATE OR REPLACE FUNCTION pgedge_internal.is_ours(writer xid) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $f$
    SELECT abs(behind) < 2147483648 AND pg_xact_status((own - behind)::text::xid8) = 'in progress'
      FROM (SELECT own, own % 4294967296 - writer::text::numeric AS behind FROM (SELECT pg_current_xact_id()::text::numeric AS own) c) b
$f$;

-- Whether the running ALTER TABLE adds columns with values in the rows that are there, which differ elsewhere; `computed`: only
-- those whose value was computed once, without a rewrite. A table that this transaction has made and that is empty has no rows
-- anywhere.
CREATE OR REPLACE FUNCTION pgedge_internal.adds_unsteady_column(relation oid, computed boolean) RETURNS boolean LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    filled boolean;
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = relation AND a.attnum > 0 AND a.attgenerated = '' AND (a.atthasmissing OR NOT computed) AND pgedge_internal.is_ours(a.xmin)
           AND (a.attidentity <> '' OR pgedge_internal.is_unsteady(coalesce(d.adbin::text, t.typdefaultbin::text)))) THEN
        RETURN false;
    END IF;
    -- The row of the system column ctid is as old as the table.
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attnum = -1 AND pgedge_internal.is_ours(xmin)) THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s)', relation::regclass) INTO filled;
        RETURN filled;
    END IF;
    RETURN true;
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.on_rewrite() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    relation constant oid := pg_event_trigger_table_rewrite_oid();
    reason constant int := pg_event_trigger_table_rewrite_reason();   -- bits: 1 persistence, 2 default, 4 type
    persistence constant "char" := (SELECT relpersistence FROM pg_class WHERE oid = relation);
BEGIN
    IF coalesce(current_setting('pgedge.replicate_ddl', true), '') = 'off' OR persistence = 't' OR pgedge_internal.alone() THEN RETURN; END IF;
    -- For on_ddl(), which has the text. pg_class still has the persistence of before.
    PERFORM set_config('pgedge.rewritten', format('%s/%s/%s', relation, reason, persistence), true);
    IF reason & 2 > 0 AND pgedge_internal.adds_unsteady_column(relation, false) THEN
        PERFORM pgedge_internal.refuse_unsteady_column();
    END IF;
END $f$;

REVOKE ALL ON FUNCTION pgedge_internal.adds_unsteady_column(oid, boolean) FROM PUBLIC;

CREATE EVENT TRIGGER pgedge_1_rewrite ON table_rewrite EXECUTE FUNCTION pgedge_internal.on_rewrite();
