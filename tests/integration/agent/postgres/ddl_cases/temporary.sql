--- temporary only: file: same
create temp table te(i int, j int primary key); create index on te(i); alter table te drop column i; create view te_v as select * from te; drop table te cascade;
--- like: file: refused: name of a temporary object
create temp table tl(a int, b text); create table from_like(like tl);
--- shadow: file: refused: name of a temporary object
create table secret(i int primary key); create temp table secret(i int); grant select on secret to public;
--- shadow by schema: file: refused: name of a temporary object
create temp table secret(i int); grant select on pg_temp.secret to public;
--- type: file: refused: name of a temporary object
create type pg_temp.tty as (a int); create table perm_t(a tty);
--- function: file: refused: name of a temporary object
create function pg_temp.tfn() returns int immutable language sql as 'select 1'; create table perm_f(a int default pg_temp.tfn());
--- sequence in a default: file: refused: name of a temporary object
create temp sequence tsq; create table perm_s(a int default nextval('tsq'));
--- objects on temporary tables: file: same
create temp table tt(i int); create function tf() returns trigger language plpgsql as 'begin return new; end'; create trigger x before insert on tt for each row execute function tf(); comment on trigger x on tt is 'c'; drop trigger x on tt;
create policy po on tt; drop policy po on tt; create rule ru as on insert to tt do nothing; drop rule ru on tt; comment on table tt is 'x'; comment on column tt.i is 'y'; alter table tt add j int; create index ti on tt(j); drop index ti; alter table tt alter j set default 4; alter table tt alter j drop default; alter table tt add check (i > 0); alter table tt drop constraint tt_i_check; alter table tt rename to tt2;
--- statistics: file: same
create temp table ts(i int, j int); create statistics st_tmp on i, j from ts;
--- drop of both: file: refused: one statement for temporary and permanent
create table pe(i int primary key); create temp table te(i int); drop table te, pe;
--- drop by one name: file: same
create table dn(i int primary key); create temp table dn(i int); drop table dn; drop table dn;
--- security definer path: file: same
create temp table x_tmp(i int); create function sp() returns int language sql set search_path = pg_catalog, pg_temp as 'select 1';
--- view becomes temporary: file: same
create temp table tv(i int); create view v_of_tv as select * from tv;
--- name with a quote: file: refused: name of a temporary object
create temp table "a""b"(i int); create table with_quote(like "a""b");
--- name by code points: file: refused: name of a temporary object
create temp table tcp(i int); create table by_code_points(like U&"\0074cp");
