-- A database that came from a backup becomes that of the node that it is for. Run before its server has ever started, in
-- single-user mode: what it knows of other nodes is of the backup's time, and their slots are not to be touched. Its
-- replication sets stay. Settings: pgedge.dialect, pgedge.node, pgedge.restore.
DO $restored$
DECLARE
    dialect text := current_setting('pgedge.dialect');
    wanted text := current_setting('pgedge.node');
    own oid;
    own_name text;
    fresh oid;
    face oid;
BEGIN
    IF to_regclass(format('%I.local_node', dialect)) IS NOT NULL THEN
        EXECUTE format('DELETE FROM %I.local_sync_status', dialect);
        EXECUTE format('DELETE FROM %I.subscription', dialect);
        IF to_regclass(format('%I.progress', dialect)) IS NOT NULL THEN
            EXECUTE format('DELETE FROM %I.progress', dialect);
        END IF;
        EXECUTE format('SELECT node_id, node_name FROM %1$I.local_node JOIN %1$I.node USING (node_id)', dialect)
            INTO own, own_name;
        EXECUTE format('DELETE FROM %I.node_interface WHERE if_nodeid IS DISTINCT FROM $1', dialect) USING own;
        EXECUTE format('DELETE FROM %I.node WHERE node_id IS DISTINCT FROM $1', dialect) USING own;
        IF own_name <> wanted THEN
            -- As the extensions number their nodes: by a hash of the name, of which Spock takes 16 bits.
            fresh := ((hashtext(wanted)::bigint + 4294967296) % 4294967296
                      & CASE dialect WHEN 'spock' THEN 65535 ELSE 4294967295 END)::oid;
            EXECUTE format('INSERT INTO %I.node (node_id, node_name) VALUES ($1, $2)', dialect) USING fresh, wanted;
            -- Others know the interface of the backup's node by its number.
            face := ((hashtext('interface of ' || wanted)::bigint + 4294967296) % 4294967296)::oid;
            EXECUTE format('INSERT INTO %1$I.node_interface (if_id, if_name, if_nodeid, if_dsn) '
                           'SELECT $1, $2, $3, if_dsn FROM %1$I.node_interface', dialect) USING face, wanted, fresh;
            EXECUTE format('UPDATE %I.local_node SET node_id = $1, node_local_interface = $2', dialect)
                USING fresh, face;
            EXECUTE format('UPDATE %I.replication_set SET set_nodeid = $1 WHERE set_nodeid = $2', dialect)
                USING fresh, own;
            EXECUTE format('DELETE FROM %I.node_interface WHERE if_nodeid = $1', dialect) USING own;
            EXECUTE format('DELETE FROM %I.node WHERE node_id = $1', dialect) USING own;
        END IF;
    END IF;
    PERFORM pg_replication_origin_drop(roname) FROM pg_replication_origin WHERE roname ~ '^(pgl|spk)_';
    -- Marks of links, and of where its data came from when it was added: it has all that it will get.
    DELETE FROM pgedge_internal.done
     WHERE starts_with(what, 'held back ') OR starts_with(what, 'skip on ')
        OR starts_with(what, 'data of another node: ') OR starts_with(what, 'restored ');
    INSERT INTO pgedge_internal.done (what)
        VALUES ('data of another node'), ('data of all other nodes'), ('restored ' || current_setting('pgedge.restore'))
        ON CONFLICT DO NOTHING;
END
$restored$;
