-- Sequences of which every node counts in numbers of its own. Run by every dialect.
--
-- A sequence with increment k counts in steps of 16 k; node number i takes the values whose place in the original row of
-- numbers is i modulo 16. So nodes never give the same number, and each keeps the direction and start that was asked for.

CREATE OR REPLACE FUNCTION pgedge_internal.nth_of_node(value numeric, unit numeric, phase numeric, node numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    place numeric := ceil((value - phase) / unit);
BEGIN
    RETURN phase + unit * (place + ((node - place) % 16 + 16) % 16);
END $f$;

-- Alters nothing when the sequence is the node's already. ALTER SEQUENCE … RESTART, run on all nodes, is spread again; setval()
-- is not seen: call this after it.
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
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.on_sequence() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    seq oid;
BEGIN
    FOR seq IN SELECT DISTINCT objid FROM pg_event_trigger_ddl_commands()
               WHERE object_type = 'sequence' AND classid = 'pg_class'::regclass AND NOT in_extension LOOP
        PERFORM pgedge_internal.spread_sequence(seq::regclass);
    END LOOP;
END $f$;

CREATE OR REPLACE FUNCTION pgedge_internal.adopt_sequences() RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    seq oid;
BEGIN
    FOR seq IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind = 'S' AND n.nspname NOT IN ('pgedge_internal', 'pglogical', 'spock', 'pg_catalog', 'information_schema')
                 AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                 AND d.deptype = 'e') LOOP
        PERFORM pgedge_internal.spread_sequence(seq::regclass);
    END LOOP;
END $f$;

-- ENABLE ALWAYS: also for changes that come from other nodes.
CREATE EVENT TRIGGER pgedge_3_sequences ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'CREATE SCHEMA', 'CREATE SEQUENCE', 'ALTER SEQUENCE')
    EXECUTE FUNCTION pgedge_internal.on_sequence();
ALTER EVENT TRIGGER pgedge_3_sequences ENABLE ALWAYS;
