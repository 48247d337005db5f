-- The order of waiting steps: in each queue the fairness keys take turns, and the steps of one key go by rank. A point of priority is worth
-- 6,000 ms of waiting, so the rank of a step never changes while it waits, and one index holds the order of all keys.
alter table ready_step
  add column queue        text collate "C" not null default '',
  add column fairness_key text collate "C" not null default '',
  add column rank_ms      bigint           not null default 0;

update ready_step set queue = 'handler ' || handler, rank_ms = ready_at_ms - priority::bigint * 6000;

drop index ready_step_queue;
create index ready_step_order on ready_step (namespace, queue, fairness_key, rank_ms, task_id);
