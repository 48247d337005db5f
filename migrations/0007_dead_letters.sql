-- Tasks that a person should look at, one row an entry; folded from the log like the other rows.
create table dead_letter (
  task_id        text collate "C" not null,
  entry          int    not null,
  namespace      text   not null,
  name           text   not null,
  version        text   not null,
  reason         text   not null,
  status         text   not null,
  original_state text   not null,
  step           text,
  opened_at_ms   bigint not null,
  resolved_at_ms bigint,
  resolved_by    text,
  notes          text,
  metadata       text,
  snapshot       text   not null,
  primary key (task_id, entry)
);

-- Lists show the newest first; investigations look at what is pending alone.
create index dead_letter_listed on dead_letter (opened_at_ms desc, task_id desc, entry desc);
create index dead_letter_pending on dead_letter (opened_at_ms) where status = 'pending';
