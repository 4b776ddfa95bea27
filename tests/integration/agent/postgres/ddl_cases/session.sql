--- timezone: file: same
set timezone = 'America/New_York'; create table tz(id int primary key, t timestamp); insert into tz values (1, '2024-01-01 12:00'); alter table tz alter t type timestamptz;
--- datestyle: file: same
set datestyle = 'SQL, DMY'; create table ds(id int primary key, d date default '01/02/2020'); insert into ds(id) values (1); create table ds2(id int primary key, d date check (d > '01/02/2020'));
--- intervalstyle: file: same
set intervalstyle = 'sql_standard'; create table iv(id int primary key, i interval default '-1 2:03:04'); insert into iv(id) values (1);
--- null equals: file: same
set transform_null_equals = on; create view ne as select 1 where 2 = null;
--- array nulls: file: same
set array_nulls = off; create table an(id int primary key, a text[] default '{NULL,x}');
--- backslashes: file: same
set standard_conforming_strings = off; create table scs(id int primary key, v text default 'a\\b'); insert into scs values (1); create view scv as select 'a\'b' as x;
--- xml and bytea: file: same
set xmloption = document; set bytea_output = escape; create table xb(id int primary key, b bytea default '\x00ff'); create view xbv as select xmlserialize(content '<a/>'::xml as text) as x;
--- search path: file: same
create schema other; set search_path = other, public; create table here(i int primary key); create view here_v as select * from here; reset search_path; create table here(i int primary key, j int);
--- odd search path: file: same
create schema "Odd, ""Path"""; set search_path = "Odd, ""Path"""; create table here(i int primary key);
--- set local in one message: message: same
begin; set local timezone = 'Asia/Tokyo'; create table sl(id int primary key, t timestamptz default '2024-01-01 12:00'); commit
--- rows after settings: message: same
begin; set local datestyle = 'German'; create table rs_(id int primary key, d date default '03.04.2020'); insert into rs_(id) values (1); insert into rs_ values (2, '05.06.2020'); commit
--- bodies not checked: file: same
set check_function_bodies = off; create function cfb() returns int language sql as 'select count(*)::int from not_there_yet'; create table not_there_yet(i int primary key);
--- names of a temporary table in a body: file: same
create temp table body_tmp(i int); create function bt() returns int language sql as 'select count(*)::int from body_tmp';
--- role: file: same
set role bob; create table of_bob(i int primary key); reset role;
--- custom setting: file: same
set app.tenant = 'acme'; create table cs(id int primary key, t text default current_setting('app.tenant'));
--- from current: file: same
create schema fcs; set search_path = fcs, public; set datestyle = 'SQL, DMY'; create function of_current() returns int language sql set search_path from current set datestyle from current as 'select 1';
--- from current of another setting: file: refused: FROM CURRENT of this setting cannot be replicated
set work_mem = '77MB'; alter function fcs.of_current() set "work_mem" from current;
