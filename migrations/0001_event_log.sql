-- The event log: one row a commit, order and ownership by the primary key, optimistic concurrency by the unique key.
create table event_commit (
  partition     smallint    not null,
  seq           bigint      not null check (seq > 0),
  stream_kind   text        not null,
  stream_id     text        not null,
  first_version bigint      not null check (first_version > 0),
  namespace     text        not null,
  at_ms         bigint      not null,
  actor         text        not null,
  worker        text,
  cause         text        not null,
  types         text[]      not null check (cardinality(types) > 0),
  events        text        compression lz4 not null,
  hash          bytea       not null check (length(hash) = 32),
  primary key (partition, seq),
  unique (stream_kind, stream_id, first_version)
);
