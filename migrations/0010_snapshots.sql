-- The state of long tasks as it was after one of their commits, so that loading one does not fold its whole history. A cache: a row whose schema
-- or commit hash is not what it should be is not used, and every row can be deleted at any time.
create table task_snapshot (
  task_id     text   collate "C" primary key,
  version     bigint not null check (version > 0),
  schema      text   not null,
  commit_hash bytea  not null check (length(commit_hash) = 32),
  state       text   not null
);

do $$
begin
  if exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
    alter table task_snapshot alter column state set compression lz4;
  end if;
end
$$;

-- What a server without work commits to, so that it knows that it could. One row, written again and again.
create table commit_probe (
  singleton boolean primary key default true check (singleton),
  beats     bigint  not null
);
insert into commit_probe (beats) values (0);
