--- savepoint counted: message: refused: it is not sure which statement of the message this is
begin; savepoint a; create table cr1(i int primary key); rollback to a; create table cr2(i int primary key); commit
--- rollback counted: message: refused: it is not sure which statement of the message this is
begin; create table crb(i int primary key); rollback; begin; create table crb(i int primary key, j int); commit
--- the word alone: message: same
comment on table mark is 'rollback'
--- strings with backslashes: file: refused: it is not sure which statement of the message this is
set standard_conforming_strings = off;
create table cs1(a text default 'a\';b')\; create table cs2(i int primary key);
