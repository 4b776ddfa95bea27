-- Whether this node has no peers: then nothing is queued and nothing is refused. A database of one node works like any other
-- PostgreSQL, and a node that is added later starts from a copy of its structure and rows.
--
-- A slot is made before the first row of a new peer is copied, and its making waits for the transactions that run: whoever found
-- no slot here commits before the copy. Subscriptions count too: after a failover they are there before the slots are made again.
-- SECURITY DEFINER, since users may not read the subscriptions.
CREATE OR REPLACE FUNCTION pgedge_internal.alone() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
    SELECT NOT EXISTS (SELECT FROM pg_replication_slots WHERE plugin = 'pglogical_output' AND database = current_database())
       AND NOT EXISTS (SELECT FROM pglogical.subscription)
$f$;
