-- Runs first: the triggers of this and of earlier versions go, so that they do not see what the other files make.
--
-- Event triggers of one event fire in the order of their names: queue first, for what the others do is not typed.
SET LOCAL pgedge.replicate_ddl = off;

DROP EVENT TRIGGER IF EXISTS pgedge_1_queue;
DROP EVENT TRIGGER IF EXISTS pgedge_1_queue_drop;
DROP EVENT TRIGGER IF EXISTS pgedge_1_before_queue;
DROP EVENT TRIGGER IF EXISTS pgedge_1_queue_rows;
DROP EVENT TRIGGER IF EXISTS pgedge_1_drop;
DROP EVENT TRIGGER IF EXISTS pgedge_1_detach;
DROP EVENT TRIGGER IF EXISTS pgedge_1_rewrite;
DROP EVENT TRIGGER IF EXISTS pgedge_1_added;
DROP EVENT TRIGGER IF EXISTS pgedge_2_join;
DROP EVENT TRIGGER IF EXISTS pgedge_2_leave;
DROP EVENT TRIGGER IF EXISTS pgedge_3_sequences;
