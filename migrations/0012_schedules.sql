-- Schedules: each as of the checkpoint, those that were deleted too; a start reads the live ones and goes on from there.
create table schedule (
  namespace      text   collate "C" not null,
  name           text   collate "C" not null,
  stream_version bigint not null,
  live           int    not null,
  state          text   not null,
  primary key (namespace, name)
);
create index schedule_live on schedule (namespace, name) where live > 0;

-- No log has schedules yet: no rows are what it says.
insert into projection (name, version) values ('schedule', 1);
