-- After all functions: what Spock must not send of their work.
ALTER FUNCTION pgedge_internal.place_sequence(regclass, numeric, int) SET spock.enable_ddl_replication = off;
ALTER FUNCTION pgedge_internal.move_sequence(regclass, numeric) SET spock.enable_ddl_replication = off;
ALTER FUNCTION pgedge_internal.guard_table(oid, boolean) SET spock.enable_ddl_replication = off;
