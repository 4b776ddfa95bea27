--- index not finished: file: refused: could not create unique index
create table ii(id int primary key, v int); insert into ii values (1, 1), (2, 1);
set pgedge.replicate_ddl = on; create unique index concurrently on ii(v);
--- commented: file: refused: the index is not valid
comment on index ii_v_idx is 'x';
--- renamed: file: refused: the index is not valid
alter index ii_v_idx rename to ii_other;
--- beside another: file: same
create index on ii(v); drop index ii_v_idx;
