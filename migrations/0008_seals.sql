-- What seals need: a name that no other log has, and a short way to the commits of partitions' own streams.
alter table event_log add column log_id text not null default gen_random_uuid()::text;

-- Acquisitions and seals, a few a minute and partition; what lies between costs nothing to pass over.
create index event_commit_control on event_commit (partition, seq) where stream_kind = 'partition';
