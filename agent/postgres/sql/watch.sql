-- What no trigger sees. The agent calls watch() every second or two on every primary; pgedge_internal.after_setval() is for
-- users who cannot wait for it. Run by every dialect.

-- Moves a sequence that may be in use: nobody may take a number between the look at it and its new value. No function locks a
-- sequence; to give it to its owner does, and changes nothing. Where a transaction that has taken a number stays open, the lock
-- is not to be had: then numbers are left out, more than can be taken meanwhile. False when nothing was to be done or it was
-- dropped; the next look tries again.
CREATE OR REPLACE FUNCTION pgedge_internal.move_sequence(seq regclass, past numeric DEFAULT NULL) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET pgedge.replicate_ddl = off SET pgedge.moving = on SET lock_timeout = '20ms' AS $f$
DECLARE
    spare int := 0;
BEGIN
    BEGIN
        EXECUTE format('ALTER SEQUENCE %s OWNER TO %I', seq,
                       (SELECT pg_get_userbyid(relowner) FROM pgedge_internal.sequences WHERE seqrelid = seq));
    EXCEPTION WHEN lock_not_available THEN
        spare := 64;
    END;
    RETURN pgedge_internal.place_sequence(seq, past, spare);
EXCEPTION WHEN OTHERS THEN
    RETURN false;
END $f$;

-- Whether a value belongs to another node than the sequence does. Its start is always one of the node's own numbers.
CREATE OR REPLACE FUNCTION pgedge_internal.is_foreign(value bigint, start bigint, increment bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $f$ SELECT (value::numeric - start) % increment <> 0 $f$;

-- Of the sequences `slice` moves those that setval() took out of their node's numbers, and those that DDL made without its
-- trigger. One query finds them, in which nothing is opened by name: 1,000 sequences take about 6 ms. It says nothing of sequences
-- that have given no number yet; those are read one by one. Ends at the 50th, since they stay locked until the transaction ends:
-- `stopped` is that one.
CREATE OR REPLACE FUNCTION pgedge_internal.watch_classes(slice oid[], OUT moved int, OUT stopped oid) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    s record;
    lost boolean;
BEGIN
    moved := 0;
    FOR s IN
        WITH locked AS MATERIALIZED (  -- to read one of these would wait
            SELECT relation FROM pg_locks WHERE locktype = 'relation' AND pid <> pg_backend_pid()
               AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')),
        found AS MATERIALIZED (
            SELECT seqrelid, seqstart, seqincrement, pg_sequence_last_value(seqrelid) AS last FROM pg_sequence
             WHERE seqrelid = ANY (slice) AND seqrelid NOT IN (SELECT relation FROM locked))
        SELECT *, seqincrement % 16 <> 0 OR pgedge_internal.is_foreign(last, seqstart, seqincrement) AS lost FROM found
         WHERE last IS NULL OR seqincrement % 16 <> 0 OR pgedge_internal.is_foreign(last, seqstart, seqincrement)
         ORDER BY seqrelid LOOP
        lost := s.lost;
        IF lost IS NULL THEN
            BEGIN
                EXECUTE format('SELECT pgedge_internal.is_foreign(last_value, $1, $2) FROM %s', s.seqrelid::regclass) INTO lost
                  USING s.seqstart, s.seqincrement;
            EXCEPTION WHEN OTHERS THEN  -- dropped since
                CONTINUE;
            END;
        END IF;
        IF lost AND pgedge_internal.move_sequence(s.seqrelid::regclass) THEN moved := moved + 1; END IF;
        IF moved = 50 THEN
            stopped := s.seqrelid;
            RETURN;
        END IF;
    END LOOP;
END $f$;

-- Moves a sequence past rows of `relation` that have its numbers without it: a restore on another node brings such rows. Rows that
-- other nodes numbered are left alone, since they are never in this node's way.
--
-- They are found among the sequence's next 64 numbers and the table's 64 outermost rows, both by index. It goes past the outermost
-- row, but never over more than half of what the sequence has left: one row with the largest number must not use it up.
CREATE OR REPLACE FUNCTION pgedge_internal.pass_rows(seq regclass, relation regclass, attribute name) RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    s pg_sequence;
    up boolean;
    own numeric;  -- the next number
    half numeric;
    reach numeric;
    source text;
    in_the_way boolean;
    outermost numeric;
BEGIN
    SELECT * INTO s FROM pg_sequence WHERE seqrelid = seq;
    IF NOT FOUND OR s.seqcycle OR s.seqincrement % 16 <> 0 THEN RETURN false; END IF;
    EXECUTE format('SELECT last_value::numeric + CASE WHEN is_called THEN %s ELSE 0 END FROM %s', s.seqincrement, seq) INTO own;
    IF own NOT BETWEEN s.seqmin AND s.seqmax THEN RETURN false; END IF;
    up := s.seqincrement > 0;
    half := own + div(CASE WHEN up THEN s.seqmax ELSE s.seqmin END - own, 2);
    reach := greatest(least(own + 63 * s.seqincrement::numeric, s.seqmax), s.seqmin);
    source := CASE (SELECT relkind FROM pg_class WHERE oid = relation) WHEN 'p' THEN '' ELSE 'ONLY ' END || relation;
    EXECUTE format('WITH r AS (SELECT %1$I AS v FROM %2$s WHERE %1$I %3$s %4$s::bigint ORDER BY %1$I %5$s LIMIT 64)'
                   ' SELECT CASE WHEN count(*) > 0 THEN bool_or((v::numeric - %4$s) %% %6$s = 0) OR EXISTS (SELECT FROM'
                   ' generate_series(%4$s::bigint, %7$s::bigint, %6$s::bigint) g WHERE (SELECT true FROM %2$s WHERE %1$I = g LIMIT 1)) END FROM r',
                   attribute, source, CASE WHEN up THEN '>=' ELSE '<=' END, own, CASE WHEN up THEN 'DESC' ELSE 'ASC' END,
                   s.seqincrement, reach) INTO in_the_way;
    IF in_the_way IS NOT TRUE THEN RETURN false; END IF;
    EXECUTE format('SELECT %s(%I) FROM %s WHERE %2$I BETWEEN %4$s::bigint AND %5$s::bigint', CASE WHEN up THEN 'max' ELSE 'min' END,
                   attribute, source, least(own, half), greatest(own, half)) INTO outermost;
    RETURN outermost IS NOT NULL AND pgedge_internal.move_sequence(seq, outermost);
END $f$;

-- pass_rows() for every column that takes its numbers from a sequence of `slice` and can be searched by an index.
CREATE OR REPLACE FUNCTION pgedge_internal.watch_rows(slice oid[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    c record;
    ahead boolean;
BEGIN
    FOR c IN
        WITH uses AS (
            SELECT objid AS seq, refobjid AS relation, refobjsubid AS number FROM pg_depend
             WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i') AND refobjsubid > 0
               AND objid = ANY (slice)
            UNION  -- DEFAULT nextval() of a sequence that is nobody's
            SELECT d.refobjid, f.adrelid, f.adnum FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
             WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
               AND d.refobjid = ANY (slice))
        SELECT u.seq::regclass, u.relation::regclass, a.attname, s.seqincrement
          FROM uses u JOIN pgedge_internal.sequences s ON s.seqrelid = u.seq
          JOIN pg_attribute a ON a.attrelid = u.relation AND a.attnum = u.number
         WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
           AND EXISTS (SELECT FROM pg_index i JOIN pg_class ic ON ic.oid = i.indexrelid JOIN pg_am m ON m.oid = ic.relam
                       WHERE i.indrelid = u.relation AND i.indkey[0] = u.number AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree')
           AND NOT EXISTS (SELECT FROM pg_locks l WHERE l.relation IN (u.relation, u.seq) AND l.pid <> pg_backend_pid()
                           AND l.mode = 'AccessExclusiveLock') LOOP
        BEGIN
            EXECUTE format('SELECT (SELECT %1$s(%2$I) FROM %3$s) %4$s last_value FROM %5$s', CASE WHEN c.seqincrement > 0 THEN 'max' ELSE 'min' END,
                           c.attname, c.relation, CASE WHEN c.seqincrement > 0 THEN '>=' ELSE '<=' END, c.seq) INTO ahead;
            IF ahead THEN PERFORM pgedge_internal.pass_rows(c.seq, c.relation, c.attname); END IF;
        EXCEPTION WHEN OTHERS THEN  -- dropped or locked since; the next look tries again
        END;
    END LOOP;
END $f$;

-- One look, in several calls: true means that it is not at its end, and the next call goes on. A call is one transaction over at
-- most 250 sequences, because each of them stays locked, in the weakest way, until it ends. Nothing is done while the server has
-- written nothing. Rows are searched after rows came from other nodes, and where a sequence was moved: what set it may have
-- brought rows too. A look takes at most a tenth of the time: one of 0.5 s is followed by 4.5 s of rest, or 10 s at most. What has
-- to be remembered is kept in the session. The first look of a session, which sees everything, is not followed by rest.
CREATE OR REPLACE FUNCTION pgedge_internal.watch() RETURNS boolean LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET lock_timeout = '100ms' AS $f$
DECLARE
    started numeric := extract(epoch FROM clock_timestamp());
    seen jsonb := coalesce(nullif(current_setting('pgedge.watched', true), ''), '{}');
    -- Taken before anything is looked at: what comes later is seen by the next look.
    present jsonb := jsonb_build_object('wal', pg_current_wal_insert_lsn(), 'applied', (
        SELECT coalesce(string_agg(local_id || '/' || remote_lsn, ' ' ORDER BY local_id), '') FROM pg_replication_origin_status));
    slice oid[];
    moved int;
    stopped oid;
BEGIN
    IF seen->>'at' IS NULL THEN
        IF seen @> present OR started < (seen->>'rest')::numeric THEN RETURN false; END IF;
        PERFORM pgedge_internal.watch_strays();
        seen := jsonb_build_object('before', seen, 'now', present, 'at', 0, 'spent', 0);
    END IF;
    slice := ARRAY(SELECT seqrelid FROM pgedge_internal.sequences WHERE seqrelid > (seen->>'at')::oid ORDER BY 1 LIMIT 250);
    SELECT w.moved, w.stopped INTO moved, stopped FROM pgedge_internal.watch_classes(slice) w;
    IF moved > 0 OR seen->'before'->'applied' IS DISTINCT FROM seen->'now'->'applied' THEN
        PERFORM pgedge_internal.watch_rows(CASE WHEN stopped IS NULL THEN slice ELSE slice[:array_position(slice, stopped)] END);
    END IF;
    stopped := coalesce(stopped, slice[250]);
    seen := seen || jsonb_build_object('at', stopped, 'spent', (seen->>'spent')::numeric + extract(epoch FROM clock_timestamp()) - started);
    IF stopped IS NULL THEN
        seen := (seen->'now') || jsonb_build_object('rest', extract(epoch FROM clock_timestamp())
            + CASE WHEN seen->'before' ? 'wal' THEN least(9 * (seen->>'spent')::numeric, 10) ELSE 0 END);
    END IF;
    PERFORM set_config('pgedge.watched', seen::text, false);
    RETURN stopped IS NOT NULL;
END $f$;

-- To be called after setval() by whoever cannot wait for the watch: the sequence is in its node's numbers when this returns, and
-- the other nodes go past it before they apply anything committed later here. Returns what nextval() will give. Needs the right
-- that setval() needs.
CREATE OR REPLACE FUNCTION pgedge_internal.after_setval(seq regclass) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    who text := coalesce(nullif(current_setting('role'), 'none'), session_user::text);
    last bigint;
    coming bigint;
BEGIN
    IF NOT has_sequence_privilege(who, seq, 'UPDATE') THEN
        RAISE EXCEPTION 'permission denied for sequence %', seq USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM %s', seq) INTO last;
    -- Without a lock, which would stay until the caller's transaction ends.
    PERFORM pgedge_internal.place_sequence(seq);
    IF coalesce(current_setting('pgedge.replicate_ddl', true), '') <> 'off' THEN
        PERFORM pgedge_internal.tell_sequence(n.nspname, c.relname, last) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = seq AND c.relpersistence <> 't' AND NOT pgedge_internal.alone();
    END IF;
    EXECUTE format('SELECT CASE WHEN is_called THEN last_value + %s ELSE last_value END FROM %s',
                   (SELECT seqincrement FROM pg_sequence WHERE seqrelid = seq), seq) INTO coming;
    RETURN coming;
END $f$;

-- On the other nodes, for after_setval().
CREATE OR REPLACE FUNCTION pgedge_internal.pass_value(nsp text, name text, value bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
    seq regclass := to_regclass(format('%I.%I', nsp, name));
BEGIN
    IF seq IS NOT NULL THEN PERFORM pgedge_internal.move_sequence(seq, value); END IF;
END $f$;

-- Only what our own sessions and functions call: the superuser.
REVOKE ALL ON FUNCTION pgedge_internal.move_sequence(regclass, numeric), pgedge_internal.watch_classes(oid[]),
    pgedge_internal.pass_rows(regclass, regclass, name), pgedge_internal.watch_rows(oid[]), pgedge_internal.watch(),
    pgedge_internal.pass_value(text, text, bigint) FROM PUBLIC;
