-- Keys of concurrency and rate: who has their places, as of the checkpoint, and what a step that waits for a key says of its limit.
create table key (
  namespace      text   not null,
  queue          text   collate "C" not null,
  stream_version bigint not null,
  places         int    not null,
  state          text   not null,
  primary key (namespace, queue)
);
create index key_held on key (namespace, queue) where places > 0;

alter table ready_step
  add column gate_limit  bigint,
  add column gate_per_ms bigint;
