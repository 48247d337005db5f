-- Queues of messages in PostgreSQL under the public names of pgmq (https://github.com/pgmq/pgmq), for a database where pgmq is not installed.
-- Written for Tasker from pgmq's documented interface: a client of pgmq finds the functions, types and tables it knows. An installed pgmq is
-- always used instead, and this file is then not run.
create schema if not exists pgmq;

create table pgmq.meta (
  queue_name     varchar     not null unique,
  is_partitioned boolean     not null,
  is_unlogged    boolean     not null,
  created_at     timestamptz not null default now()
);

create type pgmq.message_record as (
  msg_id      bigint,
  read_ct     integer,
  enqueued_at timestamptz,
  vt          timestamptz,
  message     jsonb,
  headers     jsonb
);

create type pgmq.queue_record as (
  queue_name     varchar,
  is_partitioned boolean,
  is_unlogged    boolean,
  created_at     timestamptz
);

create type pgmq.metrics_result as (
  queue_name           text,
  queue_length         bigint,
  newest_msg_age_sec   integer,
  oldest_msg_age_sec   integer,
  total_messages       bigint,
  scrape_time          timestamptz,
  queue_visible_length bigint
);

-- A queue's name is part of the names of its tables.
create function pgmq.validate_queue_name(queue_name text) returns void language plpgsql as $$
begin
  if length(queue_name) > 47 then
    raise exception 'queue name is too long, maximum length is 47 characters';
  end if;
  if queue_name !~ '^[a-zA-Z0-9_]+$' then
    raise exception 'queue name contains invalid characters';
  end if;
end
$$;

create function pgmq.format_table_name(queue_name text, prefix text) returns text language plpgsql immutable as $$
begin
  if queue_name !~ '^[a-zA-Z0-9_]+$' then
    raise exception 'queue name contains invalid characters';
  end if;
  return lower(prefix || '_' || queue_name);
end
$$;

create function pgmq._create(queue_name text, unlogged boolean) returns void language plpgsql as $$
declare
  qtable text := pgmq.format_table_name(queue_name, 'q');
  atable text := pgmq.format_table_name(queue_name, 'a');
begin
  perform pgmq.validate_queue_name(queue_name);
  perform pg_advisory_xact_lock(hashtext('pgmq.queue_' || queue_name));
  execute format('create %s table if not exists pgmq.%I (
    msg_id      bigint primary key generated always as identity,
    read_ct     integer not null default 0,
    enqueued_at timestamptz not null default now(),
    vt          timestamptz not null,
    message     jsonb,
    headers     jsonb)', case when unlogged then 'unlogged' else '' end, qtable);
  execute format('create table if not exists pgmq.%I (
    msg_id      bigint primary key,
    read_ct     integer not null default 0,
    enqueued_at timestamptz not null default now(),
    archived_at timestamptz not null default now(),
    vt          timestamptz not null,
    message     jsonb,
    headers     jsonb)', atable);
  execute format('create index if not exists %I on pgmq.%I (vt asc)', qtable || '_vt_idx', qtable);
  execute format('create index if not exists %I on pgmq.%I (archived_at)', 'archived_at_idx_' || queue_name, atable);
  insert into pgmq.meta (queue_name, is_partitioned, is_unlogged) values (queue_name, false, unlogged)
    on conflict do nothing;
end
$$;

create function pgmq.create_non_partitioned(queue_name text) returns void language sql as $$
  select pgmq._create(queue_name, false)
$$;

create function pgmq.create_unlogged(queue_name text) returns void language sql as $$
  select pgmq._create(queue_name, true)
$$;

create function pgmq.create(queue_name text) returns void language sql as $$
  select pgmq._create(queue_name, false)
$$;

-- The order of the messages is the order of their ids.
create function pgmq._send(queue_name text, msgs jsonb[], headers jsonb[], visible_at timestamptz) returns setof bigint
language plpgsql as $$
begin
  if headers is not null and cardinality(headers) <> cardinality(msgs) then
    raise exception 'as many headers as messages are needed: % and %', cardinality(headers), cardinality(msgs);
  end if;
  return query execute format('
    insert into pgmq.%I (vt, message, headers)
    select $3, m.message, m.header from unnest($1, $2) with ordinality as m(message, header, ordinal) order by m.ordinal
    returning msg_id', pgmq.format_table_name(queue_name, 'q'))
  using msgs, coalesce(headers, '{}'::jsonb[]), visible_at;
end
$$;

create function pgmq.send(queue_name text, msg jsonb) returns setof bigint language sql as $$
  select pgmq._send(queue_name, array[msg], null, clock_timestamp())
$$;
create function pgmq.send(queue_name text, msg jsonb, headers jsonb) returns setof bigint language sql as $$
  select pgmq._send(queue_name, array[msg], array[headers], clock_timestamp())
$$;
create function pgmq.send(queue_name text, msg jsonb, delay integer) returns setof bigint language sql as $$
  select pgmq._send(queue_name, array[msg], null, clock_timestamp() + make_interval(secs => delay))
$$;
create function pgmq.send(queue_name text, msg jsonb, delay timestamptz) returns setof bigint language sql as $$
  select pgmq._send(queue_name, array[msg], null, delay)
$$;
create function pgmq.send(queue_name text, msg jsonb, headers jsonb, delay integer) returns setof bigint language sql as $$
  select pgmq._send(queue_name, array[msg], array[headers], clock_timestamp() + make_interval(secs => delay))
$$;
create function pgmq.send(queue_name text, msg jsonb, headers jsonb, delay timestamptz) returns setof bigint language sql as $$
  select pgmq._send(queue_name, array[msg], array[headers], delay)
$$;

create function pgmq.send_batch(queue_name text, msgs jsonb[]) returns setof bigint language sql as $$
  select pgmq._send(queue_name, msgs, null, clock_timestamp())
$$;
create function pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[]) returns setof bigint language sql as $$
  select pgmq._send(queue_name, msgs, headers, clock_timestamp())
$$;
create function pgmq.send_batch(queue_name text, msgs jsonb[], delay integer) returns setof bigint language sql as $$
  select pgmq._send(queue_name, msgs, null, clock_timestamp() + make_interval(secs => delay))
$$;
create function pgmq.send_batch(queue_name text, msgs jsonb[], delay timestamptz) returns setof bigint language sql as $$
  select pgmq._send(queue_name, msgs, null, delay)
$$;
create function pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay integer) returns setof bigint language sql as $$
  select pgmq._send(queue_name, msgs, headers, clock_timestamp() + make_interval(secs => delay))
$$;
create function pgmq.send_batch(queue_name text, msgs jsonb[], headers jsonb[], delay timestamptz) returns setof bigint language sql as $$
  select pgmq._send(queue_name, msgs, headers, delay)
$$;

-- The oldest visible messages, hidden from others for vt seconds.
create function pgmq.read(queue_name text, vt integer, qty integer, conditional jsonb default '{}') returns setof pgmq.message_record
language plpgsql as $$
begin
  return query execute format('
    with found as (
      select msg_id from pgmq.%1$I
      where vt <= clock_timestamp() and ($3 = ''{}''::jsonb or message @> $3)
      order by msg_id limit $1 for update skip locked
    ), taken as (
      update pgmq.%1$I q set read_ct = q.read_ct + 1, vt = clock_timestamp() + make_interval(secs => $2)
      from found where q.msg_id = found.msg_id
      returning q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message, q.headers
    )
    select * from taken order by msg_id', pgmq.format_table_name(queue_name, 'q'))
  using qty, vt, conditional;
end
$$;

create function pgmq.read_with_poll(
  queue_name text, vt integer, qty integer, max_poll_seconds integer default 5, poll_interval_ms integer default 100,
  conditional jsonb default '{}'
) returns setof pgmq.message_record language plpgsql as $$
declare
  until timestamptz := clock_timestamp() + make_interval(secs => max_poll_seconds);
begin
  loop
    return query select * from pgmq.read(queue_name, vt, qty, conditional);
    if found or clock_timestamp() >= until then
      return;
    end if;
    perform pg_sleep(poll_interval_ms / 1000.0);
  end loop;
end
$$;

create function pgmq.pop(queue_name text, qty integer default 1) returns setof pgmq.message_record language plpgsql as $$
begin
  return query execute format('
    with found as (
      select msg_id from pgmq.%1$I where vt <= clock_timestamp() order by msg_id limit $1 for update skip locked
    ), taken as (
      delete from pgmq.%1$I q using found where q.msg_id = found.msg_id
      returning q.msg_id, q.read_ct, q.enqueued_at, q.vt, q.message, q.headers
    )
    select * from taken order by msg_id', pgmq.format_table_name(queue_name, 'q'))
  using qty;
end
$$;

create function pgmq.delete(queue_name text, msg_ids bigint[]) returns setof bigint language plpgsql as $$
begin
  return query execute format('delete from pgmq.%I where msg_id = any ($1) returning msg_id', pgmq.format_table_name(queue_name, 'q'))
  using msg_ids;
end
$$;

create function pgmq.delete(queue_name text, msg_id bigint) returns boolean language sql as $$
  select exists (select from pgmq.delete(queue_name, array[msg_id]))
$$;

create function pgmq.archive(queue_name text, msg_ids bigint[]) returns setof bigint language plpgsql as $$
begin
  return query execute format('
    with taken as (
      delete from pgmq.%I where msg_id = any ($1) returning msg_id, vt, read_ct, enqueued_at, message, headers
    )
    insert into pgmq.%I (msg_id, vt, read_ct, enqueued_at, message, headers)
    select msg_id, vt, read_ct, enqueued_at, message, headers from taken returning msg_id',
    pgmq.format_table_name(queue_name, 'q'), pgmq.format_table_name(queue_name, 'a'))
  using msg_ids;
end
$$;

create function pgmq.archive(queue_name text, msg_id bigint) returns boolean language sql as $$
  select exists (select from pgmq.archive(queue_name, array[msg_id]))
$$;

create function pgmq.set_vt(queue_name text, msg_id bigint, vt integer) returns setof pgmq.message_record language plpgsql as $$
begin
  return query execute format('
    update pgmq.%I set vt = clock_timestamp() + make_interval(secs => $2) where msg_id = $1
    returning msg_id, read_ct, enqueued_at, vt, message, headers', pgmq.format_table_name(queue_name, 'q'))
  using msg_id, vt;
end
$$;

create function pgmq.purge_queue(queue_name text) returns bigint language plpgsql as $$
declare
  purged bigint;
begin
  execute format('delete from pgmq.%I', pgmq.format_table_name(queue_name, 'q'));
  get diagnostics purged = row_count;
  return purged;
end
$$;

create function pgmq.drop_queue(queue_name text) returns boolean language plpgsql as $$
declare
  dropped boolean;
begin
  perform pg_advisory_xact_lock(hashtext('pgmq.queue_' || queue_name));
  execute format('drop table if exists pgmq.%I', pgmq.format_table_name(queue_name, 'q'));
  execute format('drop table if exists pgmq.%I', pgmq.format_table_name(queue_name, 'a'));
  delete from pgmq.meta m where m.queue_name = drop_queue.queue_name;
  get diagnostics dropped = row_count;
  return dropped;
end
$$;

create function pgmq.list_queues() returns setof pgmq.queue_record language sql as $$
  select queue_name, is_partitioned, is_unlogged, created_at from pgmq.meta order by queue_name
$$;

create function pgmq.metrics(queue_name text) returns pgmq.metrics_result language plpgsql as $$
declare
  result pgmq.metrics_result;
begin
  execute format('
    select $1, count(*),
      extract(epoch from clock_timestamp() - max(enqueued_at))::integer,
      extract(epoch from clock_timestamp() - min(enqueued_at))::integer,
      coalesce(pg_sequence_last_value(pg_get_serial_sequence(''pgmq.%1$I'', ''msg_id'')::regclass), 0),
      clock_timestamp(),
      count(*) filter (where vt <= clock_timestamp())
    from pgmq.%1$I', pgmq.format_table_name(queue_name, 'q'))
  using queue_name into result;
  return result;
end
$$;

create function pgmq.metrics_all() returns setof pgmq.metrics_result language sql as $$
  select m.* from pgmq.meta, pgmq.metrics(meta.queue_name) as m order by meta.queue_name
$$;

-- Kept for older clients: an archive belongs to no extension here, so nothing is to be detached.
create function pgmq.detach_archive(queue_name text) returns void language sql as $$
  select pgmq.validate_queue_name(queue_name)
$$;
