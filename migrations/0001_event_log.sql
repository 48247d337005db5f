-- The event log: one row a commit, order and ownership by the primary key, optimistic concurrency by the unique key.
create table event_commit (
  partition     smallint    not null,
  seq           bigint      not null check (seq > 0),
  stream_kind   text        collate "C" not null,
  stream_id     text        collate "C" not null,
  first_version bigint      not null check (first_version > 0),
  namespace     text        not null,
  at_ms         bigint      not null,
  actor         text        not null,
  worker        text,
  cause         text        not null,
  types         text[]      not null check (cardinality(types) > 0),
  events        text        not null,
  hash          bytea       not null check (length(hash) = 32),
  constraint event_commit_place primary key (partition, seq),
  constraint event_commit_stream unique (stream_kind, stream_id, first_version)
);

-- What holds for the whole log. The partition of a task follows from its id and this number, so it never changes.
create table event_log (
  singleton       boolean  primary key default true check (singleton),
  partition_count smallint not null check (partition_count > 0)
);

-- The faster compression where this PostgreSQL was built with it.
do $$
begin
  if exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any (enumvals)) then
    alter table event_commit alter column events set compression lz4;
  end if;
end
$$;

-- The objects of one commit, in order. `json` keeps what `jsonb` refuses, such as an escaped NUL; text that is no JSON gives no rows,
-- so that one bad payload never hides the others from an audit.
create function event_objects(events text) returns table (ordinal bigint, data text)
language plpgsql stable as $$
begin
  return query
    select item.ordinality, item.value::text
    from json_array_elements(events::json) with ordinality as item(value, ordinality);
exception when others then
  return;
end
$$;

-- One row an event, for people who audit with SQL.
create view event as
select
  c.partition,
  c.seq,
  c.stream_kind,
  c.stream_id,
  c.first_version + t.ordinal - 1 as version,
  t.type,
  to_timestamp(c.at_ms / 1000.0) as at,
  o.data,
  c.namespace,
  c.actor,
  c.worker,
  split_part(c.cause, ' ', 1) as cause,
  nullif(split_part(c.cause, ' ', 2), '') as request_id,
  encode(c.hash, 'hex') as commit_hash
from event_commit c
cross join lateral unnest(c.types) with ordinality as t(type, ordinal)
left join lateral event_objects(c.events) as o on o.ordinal = t.ordinal;
