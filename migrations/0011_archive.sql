-- Archived tasks: what the log keeps of commits that went, what the archives are, and the way to the tasks that are due.

-- The place and hash of each commit that went, so that chains, seals and the proofs of others still verify.
create table archived_commit (
  partition smallint not null,
  seq       bigint   not null,
  hash      bytea    not null check (length(hash) = 32),
  primary key (partition, seq)
);

-- What those commits had added to each hour's `activity`, so that sums built again from the log are what they were.
create table archived_activity (
  hour_ms          bigint not null,
  namespace        text   not null,
  name             text   not null,
  version          text   not null,
  step             text   not null,
  submitted        bigint not null,
  completed        bigint not null,
  failed           bigint not null,
  cancelled        bigint not null,
  retried          bigint not null,
  steps            bigint not null,
  duration_ms_sum  bigint not null,
  duration_ms_max  bigint not null,
  last_ended_at_ms bigint not null,
  primary key (hour_ms, namespace, name, version, step)
);

-- How many commits have gone, so that whoever adds up hours notices that some went meanwhile.
create table archived_total (
  singleton boolean primary key default true check (singleton),
  commits   bigint  not null default 0
);
insert into archived_total default values;

-- One row an archive that was written. `pending` holds its tasks until all of their commits that can go are gone.
create table archive (
  name              text   primary key,
  namespace         text   not null,
  tasks             int    not null check (tasks > 0),
  bytes             bigint not null,
  first_ended_at_ms bigint not null,
  last_ended_at_ms  bigint not null,
  written_at_ms     bigint not null,
  pending           text[]
);
create index archive_pending on archive (written_at_ms, name) where pending is not null;

-- Tasks that are over, oldest first: the one index that the end of a task touches.
create index task_ended on task (namespace, ended_at_ms, task_id) where ended_at_ms is not null;

-- The last commits of archived tasks; other commits cost the look at their types.
create index event_commit_archived on event_commit (stream_id) where types @> array['task.archived'];
