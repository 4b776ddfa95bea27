--- several: message: same
create table m1@(i int primary key); create table m2@(i int primary key, j text default 'a;b'); insert into m1@ values (1)
--- migration: message: same
begin; create table u@(id int primary key, n text); create index on u@(n); insert into u@ values (1, 'a'); alter table u@ add c int default 3; update u@ set c = 4; commit
--- two transactions: message: same
begin; create table tt1@(i int primary key); commit; begin; create table tt2@(i int primary key); insert into tt2@ values (1); commit
--- keyless rows: message: same
create table k@(i int); insert into k@ values (1), (2); create index on k@(i); insert into k@ values (3)
--- bodies: message: same
create function fs@(i int) returns int language plpgsql as $f$ begin i := i + 1; return i; end $f$; create table fst@(id int primary key default fs@(1)); create rule ru as on insert to fst@ do also (select 1; select 2); create function ata@(i int) returns int begin atomic select 1; select case when true then 2 end; end; comment on table fst@ is 'x; y'
--- strings: message: same
create table st@(a text default E'it''s; \' ;', b text default 'back\', "c;d" int primary key, e text default $x$a;$$b'$x$); -- a comment; with 'quotes
/* another; /* nested;' */ one */ create table st2@(i int primary key); comment on column st@."c;d" is U&'\0041;'
--- not ascii: message: same
create table "Täg ""ü""@;"("id ;" int primary key, "größe" text default 'ß;ß'); insert into "Täg ""ü""@;" values (1, 'ä;ö'); comment on table "Täg ""ü""@;" is '✓;'; create view "create table x@;" as select 1 as "drop;"
--- nothing done: message: same
create table if not exists m1@(j text); drop table if exists nope@; create table nd@(i int primary key); create index if not exists nd_i@ on nd@(i); create index if not exists nd_i@ on nd@(i); alter table nd@ add if not exists j int; alter table nd@ add if not exists j int
--- events by function: message: same
create function ev@(n text) returns void language plpgsql as $f$ begin execute format('create table %I (i int primary key)', n); end $f$; select ev@('by_f1@'); create table by_hand@(i int primary key); select ev@('by_f2@'), ev@('by_f3@'); alter table by_hand@ add j int; do $$ begin perform ev@('by_f4@'); end $$; comment on table by_f4@ is 'x'
--- local kinds between: message: same
grant bob to counted; create temp table tmp@(i int); create table lk@(i int primary key); set pgedge.replicate_ddl = off; create table lk2@(i int primary key); drop table lk2@; set pgedge.replicate_ddl = on; select * into temp si@ from lk@; select 1 as a into lk3@; create table lk4@ as select 2 as a; explain select 1; alter table lk3@ add b int; analyze lk3@; comment on database app is 'x'; comment on table lk3@ is 'y'; revoke bob from counted
--- grants: message: same
create table g@(i int primary key, j int); grant select on g@ to bob; grant insert (i), update (j) on g@ to public; revoke insert (i) on g@ from public; grant connect on database app to bob; alter table g@ owner to alice; create function gf@() returns int language sql as 'select 1'; revoke all on function gf@() from public
--- schema elements: message: same
create schema sc@ create table sc1(i int primary key) create view v1 as select * from sc1 create index ii on sc1(i); create table sc@.later(i int primary key); alter schema sc@ rename to scx@; drop schema scx@ cascade
--- repeated: message: same
create table rp@(i int primary key); drop table rp@; create table rp@(i int primary key); drop table rp@; create table rp@(i int primary key, j int)
--- begin atomic procedure: message: same
create procedure ap@(i int) begin atomic insert into m1@ values (i); insert into m1@ values (i + 1); end; call ap@(100); create table aft@(i int primary key)
