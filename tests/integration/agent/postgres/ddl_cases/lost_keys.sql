--- identity full beside a primary key: file: refused: its primary key is not its replica identity
create table lif(a int primary key, b int); insert into lif values (1, 1); alter table lif replica identity full; update lif set b = 2;
--- identity back to the primary key: file: same
create table lib(a int primary key, b int); insert into lib values (1, 1); alter table lib replica identity full; alter table lib replica identity default; update lib set b = 2;
--- index of the identity: file: refused: because it has no primary key
create table lri(a int not null, b int); create unique index lri_a on lri(a); alter table lri replica identity using index lri_a; insert into lri values (1, 1); update lri set b = 2; drop index lri_a; update lri set b = 3;
--- domain: file: refused: because it has no primary key
create domain key_domain as int; create table lkd(id key_domain primary key, b int); insert into lkd values (1, 1); drop domain key_domain cascade; update lkd set b = 2;
--- extension: file: refused: because it has no primary key
create extension citext; create table lke(id citext primary key, b int); insert into lke values ('a', 1); drop extension citext cascade; delete from lke;
--- schema of a partition's type: file: refused: because it has no primary key
create schema lks; create domain lks.key_domain as int; create table lkp(id lks.key_domain, b int, primary key (id, b)) partition by range (b); create table lkp1 partition of lkp for values from (0) to (10); insert into lkp values (1, 1); update lkp set b = 2; drop schema lks cascade; update lkp set b = 3;
