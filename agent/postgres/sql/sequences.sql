-- Sequences of which every node counts in numbers of its own. Run by every dialect.
--
-- A sequence with increment k counts in steps of 16 k; node number i takes the values whose place in the original row of
-- numbers is i modulo 16. So nodes never give the same number, and each keeps the direction and start that was asked for.
--
-- place_sequence() gives a sequence its node's numbers; the event trigger calls it for sequences that DDL makes or alters.
-- setval() fires no trigger: watch.sql looks for sequences that it took out of their node's numbers.

DROP FUNCTION IF EXISTS pgedge_internal.spread_sequence(regclass);  -- of an earlier version

-- The first value of this node at or behind `value`, in the direction of `unit`.
CREATE OR REPLACE FUNCTION pgedge_internal.nth_of_node(value numeric, unit numeric, phase numeric, node numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    place numeric := ceil((value - phase) / unit);
BEGIN
    RETURN phase + unit * (place + ((node - place) % 16 + 16) % 16);
END $f$;

-- The sequences that nodes share: those of users.
CREATE OR REPLACE VIEW pgedge_internal.sequences AS
SELECT q.*, c.relpersistence, c.relowner FROM pg_catalog.pg_sequence q JOIN pg_catalog.pg_class c ON c.oid = q.seqrelid
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence <> 't' AND n.nspname NOT IN ('pgedge_internal', 'pglogical', 'spock', 'pg_catalog', 'information_schema')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                   AND d.objid = c.oid AND d.deptype = 'e');

-- Gives a sequence the numbers of this node, past the value `past` if it stands before that; never goes back. Leaves out `spare`
-- numbers, for a caller who could not lock it. True when it was moved. A sequence that has its numbers is only moved by setval():
-- that is no DDL, which the other nodes would have to be kept from, and makes no other session read its catalogs again.
CREATE OR REPLACE FUNCTION pgedge_internal.place_sequence(seq regclass, past numeric DEFAULT NULL, spare int DEFAULT 0)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET pgedge.replicate_ddl = off SET pgedge.moving = on AS $f$
DECLARE
    nodes constant numeric := 16;
    me numeric;
    s record;
    unit numeric;
    step numeric;
    phase numeric;
    last numeric;
    called boolean;
    by_itself numeric;  -- what nextval() would give now
    first numeric;
    new_start numeric;
    new_value numeric;
    edge numeric;
BEGIN
    SELECT ordinal INTO me FROM pgedge_internal.node;
    IF NOT FOUND THEN RETURN false; END IF;
    SELECT * INTO s FROM pgedge_internal.sequences WHERE seqrelid = seq;
    IF NOT FOUND THEN RETURN false; END IF;
    unit := CASE WHEN s.seqincrement % nodes = 0 THEN div(s.seqincrement, nodes) ELSE s.seqincrement END;
    step := unit * nodes;
    phase := (s.seqstart % abs(unit) + abs(unit)) % abs(unit);
    EXECUTE format('SELECT last_value, is_called FROM %s', seq) INTO last, called;
    by_itself := CASE WHEN called THEN last + s.seqincrement ELSE last END;
    first := CASE WHEN called THEN last + sign(unit) ELSE last END;
    IF (past - first) * sign(unit) >= 0 THEN first := past + sign(unit); END IF;
    new_start := pgedge_internal.nth_of_node(s.seqstart, unit, phase, me);
    new_value := pgedge_internal.nth_of_node(first, unit, phase, me);
    IF s.seqincrement = step AND s.seqstart = new_start AND new_value = by_itself THEN RETURN false; END IF;
    IF new_value + step * spare BETWEEN s.seqmin AND s.seqmax THEN new_value := new_value + step * spare; END IF;

    edge := pgedge_internal.nth_of_node(CASE WHEN unit > 0 THEN s.seqmin ELSE s.seqmax END, unit, phase, me);
    IF s.seqcycle AND new_value NOT BETWEEN s.seqmin AND s.seqmax THEN new_value := edge; END IF;
    IF new_value NOT BETWEEN s.seqmin AND s.seqmax OR new_start NOT BETWEEN s.seqmin AND s.seqmax THEN
        -- This node's numbers are used up. The sequence has to say so instead of giving another node's last number.
        IF past IS NULL AND s.seqincrement = step AND by_itself BETWEEN s.seqmin AND s.seqmax THEN
            PERFORM setval(seq, last::bigint, true);
            RETURN true;
        END IF;
        RETURN false;
    END IF;
    IF s.seqincrement = step AND s.seqstart = new_start THEN
        PERFORM setval(seq, new_value::bigint, false);
    ELSE
        EXECUTE format('ALTER SEQUENCE %s INCREMENT BY %s START WITH %s RESTART WITH %s', seq, step, new_start, new_value)
            || CASE WHEN s.seqcycle THEN format(CASE WHEN unit > 0 THEN ' MINVALUE %s' ELSE ' MAXVALUE %s' END, edge) ELSE '' END;
    END IF;
    RETURN true;
END $f$;

-- After DDL made or altered it, or for the first time. This one is locked by its DDL.
CREATE OR REPLACE FUNCTION pgedge_internal.adopt_sequence(seq regclass) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM pgedge_internal.place_sequence(seq);
    IF EXISTS (SELECT FROM pgedge_internal.sequences s, pgedge_internal.node WHERE s.seqrelid = seq AND s.seqincrement % 16 <> 0) THEN
        RAISE WARNING 'sequence % is too short to be shared by 16 nodes: they may give the same numbers', seq;
    END IF;
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.on_sequence() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    seq oid;
BEGIN
    IF current_setting('pgedge.moving', true) = 'on' THEN RETURN; END IF;
    FOR seq IN SELECT DISTINCT objid FROM pg_event_trigger_ddl_commands()
               WHERE object_type = 'sequence' AND classid = 'pg_class'::regclass AND NOT in_extension LOOP
        PERFORM pgedge_internal.adopt_sequence(seq::regclass);
    END LOOP;
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.adopt_sequences() RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    seq oid;
BEGIN
    FOR seq IN SELECT seqrelid FROM pgedge_internal.sequences LOOP
        PERFORM pgedge_internal.adopt_sequence(seq::regclass);
    END LOOP;
END $f$;

-- Only what our own sessions and functions call: the superuser.
REVOKE ALL ON FUNCTION pgedge_internal.place_sequence(regclass, numeric, int), pgedge_internal.adopt_sequence(regclass),
    pgedge_internal.adopt_sequences() FROM PUBLIC;

-- ENABLE ALWAYS: also for changes that come from other nodes.
CREATE EVENT TRIGGER pgedge_3_sequences ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA', 'CREATE SEQUENCE', 'ALTER SEQUENCE')
    EXECUTE FUNCTION pgedge_internal.on_sequence();
ALTER EVENT TRIGGER pgedge_3_sequences ENABLE ALWAYS;
