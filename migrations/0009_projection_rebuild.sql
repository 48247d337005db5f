-- Which version of each projection the rows are, and rebuilds that are under way: a server that dies in one goes on from here.
create table projection (
  name     text        primary key,
  version  int         not null,
  built_at timestamptz not null default now()
);

insert into projection (name, version)
  values ('task', 1), ('ready_step', 1), ('timer', 1), ('identity', 1), ('activity', 1), ('key', 1), ('dead_letter', 1);

-- `turn` counts what was done, so that whoever believes in another turn writes nothing. `targets` says up to which seq of each partition
-- the new rows hold the streams up to `cursor`, and all streams once it is catching up.
create table projection_rebuild (
  name         text        primary key,
  version      int         not null,
  phase        text        not null check (phase in ('waiting', 'folding', 'catching_up')),
  turn         bigint      not null default 0,
  cursor       text        collate "C" not null default '',
  targets      jsonb       not null default '{}',
  streams      bigint      not null default 0,
  requested_at timestamptz not null default clock_timestamp()
);
