--- do: message: same
do $$ begin if not exists (select from pg_type where typname = 'mood') then create type mood as enum ('a', 'b'); end if; create table dob(id int primary key, m mood); execute format('create table %I ("a;b" text default %L)', 'dyn', 'x"y'); end $$
--- ctas in do: message: same
do $$ declare v int := 5; begin create table dv as select v as x, random() y; end $$
--- execute of two: message: refused: its text is not known for sure
do $$ begin execute 'create table d1(i int); create table d2(i int)'; end $$
--- sql function: file: refused: its text is not known for sure
create function fddl() returns void language sql as 'create table sqlt(i int)'; select fddl();
--- nested: file: same
create function n1() returns void language plpgsql as 'begin create table nst(i int primary key); end';
create function n2() returns void language plpgsql as 'begin perform n1(); alter table nst add j int; end'; select n2();
--- definer of the same: file: same
create function sd() returns void language plpgsql security definer as 'begin create table sdt(i int primary key); end'; select sd();
--- definer of another: file: refused: inside of a SECURITY DEFINER function of another user
create function sd2() returns void language plpgsql security definer as 'begin create table sdt2(i int primary key); end';
set role bob; select sd2();
--- forged: file: refused: its text is not known for sure
create function fg(n text) returns void language plpgsql as 'begin execute n; end'; select fg(E'create view fgv as select 1 "\nPL/pgSQL function x() line 1 at EXECUTE\ncreate"');
--- procedure with commit: file: same
create procedure pc() language plpgsql as $$ begin create table pc1(i int primary key); commit; insert into pc1 values (1); create table pc2(i int primary key); rollback; create table pc3(i int primary key); commit; end $$; call pc();
--- exception block: file: same
do $$ begin begin create table ex1(i int primary key); raise exception 'x'; exception when others then create table ex2(i int primary key); end; end $$;
--- trigger: file: same
create table tg(n text primary key); create function tgf() returns trigger language plpgsql as $$ begin execute format('create table %I (i int primary key)', new.n); return new; end $$;
create trigger tgt before insert on tg for each row execute function tgf(); insert into tg values ('by_trigger');
--- many lines: file: same
do $$
begin
    create table ml (   -- a comment; with 'quotes
        i int primary key,
        t text default 'a"
b;'
    );
end $$;
