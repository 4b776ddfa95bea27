-- Spock sends DDL itself, and its tables join the replication sets when the triggers have fired. What it must not send is what
-- our functions do to the sequences and tables of one node.
CREATE OR REPLACE FUNCTION pgedge_internal.alone() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
    SELECT NOT EXISTS (SELECT FROM pg_replication_slots WHERE plugin = 'spock_output' AND database = current_database())
       AND NOT EXISTS (SELECT FROM spock.subscription)
$f$;

-- The sets that tables of this node are in.
CREATE OR REPLACE VIEW pgedge_internal.members AS
SELECT m.set_reloid::pg_catalog.oid AS relation, s.set_name::text, s.replicate_update OR s.replicate_delete AS sends_changes
  FROM spock.replication_set_table m JOIN spock.replication_set s USING (set_id)
  JOIN spock.local_node l ON l.node_id = s.set_nodeid;

CREATE OR REPLACE FUNCTION pgedge_internal.adopt() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM pgedge_internal.adopt_keyless();
    PERFORM pgedge_internal.adopt_sequences();
END $f$;

-- Tells the other nodes to go past a sequence's value. Spock runs the command here too, where it finds nothing to do.
CREATE OR REPLACE FUNCTION pgedge_internal.tell_sequence(nsp text, name text, value bigint) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
    PERFORM spock.replicate_ddl(command => format('SELECT pgedge_internal.pass_value(%L, %L, %s)', nsp, name, value),
                                replication_sets => '{ddl_sql}'::text[]);
END $f$;

-- Every table that Spock's DDL makes joins a set.
CREATE OR REPLACE FUNCTION pgedge_internal.watch_strays() RETURNS void LANGUAGE sql AS '';

REVOKE ALL ON FUNCTION pgedge_internal.adopt(), pgedge_internal.tell_sequence(text, text, bigint), pgedge_internal.watch_strays() FROM PUBLIC;
