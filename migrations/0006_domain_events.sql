-- Domain events: how far they are published, and the way to the commits that record them.
create table publisher_checkpoint (
  partition smallint primary key,
  seq       bigint   not null check (seq >= 0)
) with (fillfactor = 10);

-- Commits without a domain event are not in it, and cost nothing but the look at their types.
create index event_commit_domain_event on event_commit (partition, seq) where types @> array['domain_event.recorded'];

-- Sends messages through pgmq and moves the checkpoints in one: all of it, or nothing when a checkpoint is not where the caller believes.
-- What it calls in the schema pgmq is there before the first call, by an installed pgmq or by server/sql/pgmq.sql.
create function publish_domain_events(partitions int2[], froms int8[], tos int8[], queues text[], messages text[]) returns boolean
language plpgsql as $$
declare
  agreed bigint;
  queue text;
begin
  insert into publisher_checkpoint (partition, seq)
    select p, 0 from unnest(partitions, froms) as m(p, f) where f = 0 order by p
    on conflict do nothing;
  perform 1 from publisher_checkpoint c where c.partition = any (partitions) order by c.partition for update;
  select count(*) into agreed
    from publisher_checkpoint c join unnest(partitions, froms) as m(p, f) on c.partition = m.p and c.seq = m.f;
  if agreed <> cardinality(partitions) then
    return false;
  end if;
  update publisher_checkpoint c set seq = m.t from unnest(partitions, tos) as m(p, t) where c.partition = m.p;
  for queue in select distinct q from unnest(queues) as q order by q loop
    if not exists (select from pgmq.list_queues() as l where l.queue_name = queue) then
      perform pgmq.create(queue);
    end if;
    perform pgmq.send_batch(queue, (
      select array_agg(m.message::jsonb order by m.ordinal)
      from unnest(queues, messages) with ordinality as m(q, message, ordinal) where m.q = queue));
  end loop;
  return true;
end
$$;
