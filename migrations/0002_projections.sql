-- Rows folded from the log. Everything here can be dropped and built again.
create table projection_checkpoint (
  projection text     not null,
  version    int      not null,
  partition  smallint not null,
  seq        bigint   not null,
  primary key (projection, version, partition)
) with (fillfactor = 10);

-- One row a task. No column that changes is indexed: updates stay on their page (HOT).
create table task (
  task_id        text collate "C" primary key,
  namespace      text   not null,
  name           text   not null,
  version        text   not null,
  status         text   not null,
  priority       int    not null,
  tags           text[] not null,
  initiator      text,
  source_system  text,
  reason         text,
  correlation_id text   not null,
  created_at_ms  bigint not null,
  updated_at_ms  bigint not null,
  ended_at_ms    bigint,
  stream_version bigint not null,
  steps          text   not null
) with (fillfactor = 70);

-- Lists are ordered by it; neither column ever changes, so updates of a row still stay on their page.
create index task_created on task (created_at_ms, task_id);

create table ready_step (
  task_id     text collate "C" not null,
  step        text   not null,
  attempt     int    not null,
  namespace   text   not null,
  handler     text   not null,
  priority    int    not null,
  ready_at_ms bigint not null,
  primary key (task_id, step)
);
create index ready_step_queue on ready_step (namespace, handler, priority desc, ready_at_ms);

create table timer (
  task_id   text collate "C" not null,
  kind      text   not null,
  step      text   not null,
  attempt   int    not null,
  due_at_ms bigint not null,
  worker    text,
  primary key (task_id, kind, step)
);
create index timer_due on timer (due_at_ms);

create table identity (
  scope   text primary key,
  task_id text not null
);
