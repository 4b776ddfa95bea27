-- Spock sends DDL itself; what it must not send is the ALTER SEQUENCE of one node.
ALTER FUNCTION pgedge_internal.on_sequence() SET spock.enable_ddl_replication = off;
ALTER FUNCTION pgedge_internal.adopt_sequences() SET spock.enable_ddl_replication = off;

CREATE OR REPLACE FUNCTION pgedge_internal.adopt() RETURNS void LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS 'SELECT pgedge_internal.adopt_sequences()';
