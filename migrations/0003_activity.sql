-- What happened in each hour, a row a template and a row each of its steps: analytics read these sums, never single tasks.
create table activity (
  hour_ms          bigint not null,
  namespace        text   not null,
  name             text   not null,
  version          text   not null,
  -- Empty in the row of the tasks themselves.
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
