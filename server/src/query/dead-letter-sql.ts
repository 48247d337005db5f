/** The SQL of the dead letters, with every value as a parameter. */
import { DEAD_LETTER_REASONS, INVESTIGATION_BASE, type Instant, type Namespace } from '@tasker/core'
import type { LetterPlace } from './dead-letter-cursor.js'
import type { DeadLetterFilter } from './dead-letters.js'
import type { Statement } from './task-list-sql.js'

const COLUMNS =
  'task_id, entry, namespace, name, version, reason, status, original_state, step, opened_at_ms, resolved_at_ms, resolved_by, ' +
  'notes, metadata, snapshot'

/** One page, newest first; `limit` counts the row that tells whether there is another page. */
export const letterListStatement = (
  filter: DeadLetterFilter,
  after: LetterPlace | undefined,
  offset: number,
  limit: number,
): Statement => {
  const values: unknown[] = []
  const parameter = (value: unknown): string => `$${values.push(value)}`
  const conditions: string[] = []
  const add = (value: unknown, condition: (name: string) => string): void => {
    if (value !== undefined) conditions.push(condition(parameter(value)))
  }
  add(filter.namespace, (name) => `namespace = ${name}`)
  add(filter.statuses?.length === 0 ? undefined : filter.statuses, (name) => `status = any(${name}::text[])`)
  add(filter.reason, (name) => `reason = ${name}`)
  add(filter.taskId, (name) => `task_id = ${name}`)
  if (after !== undefined)
    conditions.push(
      `(opened_at_ms, task_id, entry) < (${parameter(after.openedAt)}, ${parameter(after.taskId)}, ${parameter(after.entry)})`,
    )
  const where = conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`
  const page = ` limit ${parameter(limit)}${offset === 0 ? '' : ` offset ${parameter(offset)}`}`
  return {
    text: `select ${COLUMNS} from dead_letter${where} order by opened_at_ms desc, task_id desc, entry desc${page}`,
    values,
  }
}

const STATS = `
select reason, count(*) as total,
  count(*) filter (where status = 'pending') as pending,
  count(*) filter (where status = 'manually_resolved') as manually_resolved,
  count(*) filter (where status = 'permanently_failed') as permanently_failed,
  count(*) filter (where status = 'cancelled') as cancelled,
  min(opened_at_ms) as oldest_at_ms, max(opened_at_ms) as newest_at_ms,
  (avg(resolved_at_ms - opened_at_ms) / 60000)::float8 as resolution_minutes_mean
from dead_letter where $1::text is null or namespace = $1
group by reason order by count(*) desc, reason`

export const letterStatsStatement = (namespace: Namespace | undefined): Statement => ({
  text: STATS,
  values: [namespace ?? null],
})

/** The formula is the core's: the base of the reason, and one for each minute. */
const INVESTIGATIONS = `
select ${COLUMNS}
from dead_letter join unnest($1::text[], $2::float8[]) as b(of_reason, base) on b.of_reason = reason
where status = 'pending' and ($3::text is null or namespace = $3)
order by base + greatest(0, $4::float8 - opened_at_ms) / 60000 desc, opened_at_ms, task_id
limit $5`

export const investigationsStatement = (now: Instant, limit: number, namespace: Namespace | undefined): Statement => ({
  text: INVESTIGATIONS,
  values: [
    [...DEAD_LETTER_REASONS],
    DEAD_LETTER_REASONS.map((reason) => INVESTIGATION_BASE[reason]),
    namespace ?? null,
    now,
    limit,
  ],
})

/** Whatever is open waits for a worker, for a time or for a person, so the small tables of those name all open tasks. */
const STILLEST = `
select t.task_id
from (
  select task_id from ready_step union select task_id from timer union select task_id from dead_letter where status = 'pending'
) as o join task t on t.task_id = o.task_id
where t.ended_at_ms is null and ($1::text is null or t.namespace = $1)
order by t.updated_at_ms, t.task_id limit $2`

export const stillestStatement = (limit: number, namespace: Namespace | undefined): Statement => ({
  text: STILLEST,
  values: [namespace ?? null, limit],
})

export const PENDING_COUNT = "select count(*) as pending from dead_letter where status = 'pending'"
