--- ctas: file: same
create table src(id int primary key, v text); insert into src select g, 'x' || g from generate_series(1, 500) g; create table dst as select *, random() r, gen_random_uuid() u, now() t from src;
--- ctas no data: file: same
create table ctn as select *, random() r from src with no data;
--- ctas exists: file: same
create table if not exists ctn as select 1 as other;
--- ctas columns and storage: file: same
create table cts(a, "b c") with (fillfactor = 70, autovacuum_enabled = false) as select id, v collate "C" from src limit 3;
--- ctas unlogged: file: same
create unlogged table ctu as select * from src limit 3;
--- ctas of types: file: same
create domain posint as int check (value > 0); create type pair as (a int, b text); create table ctt as select 5::posint p, row(1, 'x')::pair q, array[row(2, 'y')::pair] r, src s, 'abc'::varchar(7) v, 1.5::numeric(8, 2) n, '{1,2}'::int[] i, interval '1 day' d from src limit 2;
--- ctas empty: file: same
create table cte as select;
--- ctas and key: message: same
create table ctk as select g as id, random() r from generate_series(1, 10) g; alter table ctk add primary key (id); update ctk set r = 5 where id = 3; delete from ctk where id = 4
--- select into: file: same
select * into si2 from src; select 1 as a into si3;
--- values: message: same
create table vals as values (1, 'a'), (2, 'b'); create table tabl as table vals; with x as (select 3 as three) select * into wi from x
--- from temporary: file: same
create temp table tmpx as select 1 a; create table from_tmp as select * from tmpx;
--- row of a temporary table: file: refused: column of a temporary type
create temp table tmpr as select 1 a; create table of_tmp as select tmpr from tmpr;
--- prepared: file: same
prepare pp(int) as select $1 + 7 a; create table ex as execute pp(3);
--- volatile default: file: refused: values differ from node to node
create table vd(id int primary key); insert into vd select generate_series(1, 10); alter table vd add u uuid default gen_random_uuid();
--- now: file: refused: values differ from node to node
alter table vd add t timestamptz default now();
--- timestamp by text: file: refused: values differ from node to node
alter table vd add t timestamptz default ('now'::text)::timestamptz;
--- user: file: refused: values differ from node to node
alter table vd add w text default current_user;
--- serial: file: refused: values differ from node to node
alter table vd add s serial;
--- identity: file: refused: values differ from node to node
alter table vd add s int generated always as identity;
--- domain with default: file: refused: values differ from node to node
create domain rnd as float default random(); alter table vd add s rnd;
--- added and dropped: file: refused: together with SET DEFAULT
alter table vd add s timestamptz default now(), alter s set default '2020-01-01';
--- volatile in a function: file: refused: values differ from node to node
create function vf() returns int language sql volatile as 'select 5'; alter table vd add s int default vf();
--- volatile in a message: message: refused: values differ from node to node
alter table vd add k2 int; alter table vd add s uuid default gen_random_uuid()
--- constant default: file: same
alter table vd add k int default 5; alter table vd add k3 text default 'a' || 'b'; alter table vd add k4 date default '2020-01-01';
--- default of an old column: file: same
alter table vd alter k set default 7; alter table vd alter k4 set default now(); alter table vd alter k4 drop default;
--- added and set in one transaction: message: same
alter table vd add k5 int default 5; alter table vd alter k5 set default 7; alter table vd alter k5 drop default
--- added with another default set: file: same
alter table dst add s2 int, alter v set default 'z';
--- stored: file: same
alter table vd add g int generated always as (id * 2) stored;
--- new table: message: same
create table nt(id int primary key); alter table nt add u uuid default gen_random_uuid(); alter table nt add s serial, add t timestamptz default now(); insert into nt(id) values (1)
--- new table with rows: message: refused: values differ from node to node
create table nt2(id int primary key); insert into nt2 values (1); alter table nt2 add u uuid default gen_random_uuid()
--- the steps of the hint: file: same
alter table vd add u uuid; update vd set u = gen_random_uuid(); alter table vd alter u set default gen_random_uuid(); insert into vd(id) values (100);
--- using volatile: file: refused: USING an expression that is not immutable
alter table vd alter k type bigint using (random() * 100)::bigint;
--- using a function of hers: file: refused: USING an expression that is not immutable
alter table vd alter k type bigint using vf();
--- using plain: file: same
alter table vd alter k type text using (k + 1)::text;
--- using to_date: file: same
create table ud(id int primary key, d text); insert into ud values (1, '2020-02-03'); alter table ud alter d type date using to_date(d, 'YYYY-MM-DD');
--- using beside now: message: same
insert into ud values (2, current_date); create table ud2(id int primary key, t timestamptz default now()); alter table ud2 alter id type bigint using id::bigint
--- add identity to a column: file: same
create table ai(id int primary key); insert into ai values (1); alter table ai alter id add generated by default as identity;
--- logged: file: same
create unlogged table ul(id int primary key); insert into ul values (1), (2); alter table ul set logged;
--- logged keyless with columns: file: same
create unlogged table ulg(a int, b int generated always as (a * 2) stored, c int generated always as identity); insert into ulg(a) values (1), (2); alter table ulg set logged;
--- logged with trigger: file: refused: SET LOGGED for a table with rows that has triggers
create unlogged table ult(id int primary key); insert into ult values (1); create function ultf() returns trigger language plpgsql as 'begin return null; end'; create trigger x before insert on ult for each row execute function ultf(); alter table ult set logged;
--- unlogged: file: same
create table tu(id int primary key); insert into tu values (1); alter table tu set unlogged;
--- key later: file: same
create table kl(a int, b text); insert into kl values (1, 'x'); alter table kl add primary key (a); update kl set b = 'y';
--- alter type in partitions: file: same
create table ap(id int, v int) partition by range (id); create table ap1 partition of ap for values from (0) to (10); insert into ap values (1, 1); alter table ap alter v type bigint using v + 1; alter table ap add w int default 4;
--- materialized view: file: same
create materialized view mvv as select count(*) c from src; refresh materialized view mvv; create unique index on mvv(c); refresh materialized view concurrently mvv; drop materialized view mvv;
--- now as a literal: file: refused: a literal like 'now' cannot be replicated
create table nl(id int primary key, t text default 'now'); insert into nl values (1); alter table nl add d date default '2020-01-01'; alter table nl add t2 text default 'today'; alter table nl add u timestamptz default 'now';
--- today in a table: file: refused: a literal like 'now' cannot be replicated
create table nl2(id int primary key, d date default 'today');
--- today in a domain: file: refused: a literal like 'now' cannot be replicated
create domain nld as date default ' Today';
--- tomorrow in a view: file: refused: a literal like 'now' cannot be replicated
create view nlv as select * from nl where d < 'tomorrow 12:00';
--- yesterday in a check: file: refused: a literal like 'now' cannot be replicated
alter table nl add check (d < 'yesterday');
