--- savepoint: message: same
begin; savepoint a; create table r1(i int primary key); rollback to a; create table r2(i int primary key); drop table r2; create table r2(i int primary key, j int); commit
--- rollback: message: same
begin; create table rb(i int primary key); rollback; begin; create table rb(i int primary key, j int); commit
--- rollback of the same: message: same
begin; savepoint a; create table rs(i int primary key); rollback to a; create table rs(i int primary key); create table rs2(i int primary key); rollback to a; create table rs3(i int primary key); commit
