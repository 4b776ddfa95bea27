--- concurrently: file: same
create table ci(id int primary key, v text, w int); create index concurrently on ci(v); create unique index /* c */ concurrently if not exists "ci W;" on ci(w) where w > 0; drop index /* x */ concurrently "ci W;"; drop index concurrently ci_v_idx;
--- detach concurrently: file: refused: DETACH PARTITION CONCURRENTLY cannot be replicated
create table dc(id int) partition by range (id); create table dc1 partition of dc for values from (0) to (10); alter table dc detach partition /* ; */ dc1 concurrently;
--- partitions: file: same
create table dp(id int) partition by range (id); create table dp1 partition of dp for values from (0) to (10); create table dp2 partition of dp for values from (10) to (20); insert into dp values (1), (11); alter table dp detach partition dp2; alter table dp attach partition dp2 for values from (10) to (20);
--- reindex and cluster: file: same
create table rc(id int primary key); reindex table rc; cluster rc using rc_pkey; vacuum rc; analyze rc;
--- identity and generated: file: same
create table ig(id bigint generated always as identity primary key, a int, b int generated always as (a + 1) stored); insert into ig(a) values (1); alter table ig alter id set increment by 1; alter table ig alter id drop identity;
--- like: file: same
create table lk_a(id int primary key, v text default 'x' check (v <> '')); create table lk_b(like lk_a including all);
--- inheritance: file: same
create table ih(id int primary key); create table ih1(j int) inherits (ih); alter table ih add k int default 1; drop table ih cascade;
--- foreign keys: file: same
create table fa(id int primary key); create table fb(id int primary key, a int references fa on delete cascade); insert into fa values (1); insert into fb values (1, 1); alter table fb drop constraint fb_a_fkey;
--- types: file: same
create type en as enum ('a', 'b'); alter type en add value 'c' after 'a'; create type co as (a int); alter type co add attribute b text; create domain dm as text check (value <> ''); alter domain dm set default 'x'; alter type co rename attribute a to aa; create type rg as range (subtype = int4); drop type rg;
--- functions and operators: file: same
create function fo(a int, b int) returns int language sql immutable as 'select a + b'; create operator === (leftarg = int, rightarg = int, function = fo); create aggregate agg(int) (sfunc = fo, stype = int); alter function fo(int, int) cost 5; create cast (co as text) with inout; drop cast (co as text); drop aggregate agg(int); drop operator === (int, int);
--- triggers, rules, policies: file: same
create table tr(id int primary key, v text); create function trf() returns trigger language plpgsql as 'begin new.v := ''t''; return new; end'; create trigger a before insert on tr for each row execute function trf(); create constraint trigger ct after insert on tr deferrable for each row execute function trf(); alter table tr disable trigger a; alter trigger a on tr rename to b; drop trigger ct on tr; create policy p on tr using (id > 0); alter table tr enable row level security; create rule r as on delete to tr do instead nothing; insert into tr values (1, 'x');
--- statistics: file: same
create table sx(a int, b int); create statistics sxs on a, b from sx; alter statistics sxs set statistics 5; alter table sx alter a set statistics 77; alter table sx alter a set (n_distinct = 5);
--- text search: file: same
create text search configuration tsc (copy = simple); create text search dictionary tsd (template = simple); alter text search configuration tsc alter mapping for word with tsd; drop text search dictionary tsd cascade;
--- grants on all: file: same
create schema ga; create table ga.t(i int primary key); grant usage on schema ga to bob; grant select on all tables in schema ga to bob; alter default privileges in schema ga grant insert on tables to bob; create table ga.t2(i int primary key); alter default privileges in schema ga revoke insert on tables from bob;
--- extension: file: same
create extension pg_trgm; alter extension pg_trgm update; comment on extension pg_trgm is 'x'; create table tri(v text); create index on tri using gin (v gin_trgm_ops); drop extension pg_trgm cascade;
--- large objects: file: same
select lo_create(4711); comment on large object 4711 is 'x'; alter large object 4711 owner to alice; grant select on large object 4711 to bob; select lo_unlink(4711);
--- publications: file: same
create table pu(i int primary key); create publication pub for table pu; alter publication pub set table pu; drop publication pub;
--- drop owned: file: refused: DROP OWNED cannot be replicated
create table dw(i int primary key); drop owned by alice;
--- tablespace: file: refused: with TABLESPACE cannot be replicated
create table tsp(i int primary key); alter table tsp set tablespace other_place;
--- default tablespace: file: refused: in a tablespace cannot be replicated
set default_tablespace = other_place; create table tsp2(i int primary key);
--- tablespace of ctas: file: refused: in a tablespace cannot be replicated
create table tsp3 tablespace other_place as select 1;
--- index concurrently in a tablespace: file: same
create index concurrently tsp_i on tsp(i) tablespace other_place; drop index concurrently tsp_i;
--- no tablespace of its own: file: same
create table tsp4(i int primary key) tablespace pg_default; set pgedge.replicate_ddl = off; alter table tsp set tablespace other_place; set pgedge.replicate_ddl = on; alter table tsp add j int;
--- rename and drop: file: same
create table rd(id int primary key, a int, b int); insert into rd values (1, 2, 3); alter table rd drop column b; alter table rd rename a to "A a"; alter table rd rename to rd2; alter table rd2 rename constraint rd_pkey to pk; alter table rd2 set schema ga; drop table ga.rd2;
--- replica identity: file: same
create table ri(a int not null, b text); create unique index ri_a on ri(a); alter table ri replica identity using index ri_a; insert into ri values (1, 'x'); update ri set b = 'y';
--- quoted: file: same
create table "Odd ""T"" ü;"(id int primary key, "a;b" text); insert into "Odd ""T"" ü;" values (1, 'x;y'); create view "select; 1" as select * from "Odd ""T"" ü;"; drop view "select; 1";
--- sequences: file: same
create sequence sq; alter sequence sq increment by 5; comment on sequence sq is 'x'; create table sqt(i int default nextval('sq')); alter sequence sq owned by sqt.i; drop table sqt;
--- comments in front: file: same
-- first;
/* second; */ create /* third */ table cif(i int primary key); /* after */ -- end
--- comment on a publication: file: same
create table cpu(i int primary key); create publication pubc for table cpu; comment on publication pubc is 'x'; drop publication pubc;
--- indexes dropped: file: same
create table dx(id int primary key, v int); create index dx1 on dx(v); create index "dx I;" on dx(id, v); drop index if exists dx1, "dx I;", nothing_of_this cascade; create index on dx(v); drop index dx_v_idx restrict;
--- indexes of partitions: file: same
create table pix(id int, v int) partition by range(id); create table pix1 partition of pix for values from (0) to (10); create index on pix(v); create index on pix1(id) where v > 3; create index pixo on only pix(v, id); create index pix1o on pix1(v, id); alter index pixo attach partition pix1o; drop index pix_v_idx;
--- deferrable unique: file: refused: that is DEFERRABLE cannot be replicated
create table dfu(id int primary key, pos int, constraint dfu_pos unique (pos) deferrable initially deferred);
--- deferrable unique added: file: refused: that is DEFERRABLE cannot be replicated
create table dfu2(id int primary key, pos int); create table dfu3(a int primary key deferrable, r int references dfu2 deferrable); alter table dfu2 add unique (pos) deferrable;
