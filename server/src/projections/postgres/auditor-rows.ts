/**
 * Projected rows of PostgreSQL as an auditor reads them. Each answer is one statement: PostgreSQL locks its tables before it takes the
 * snapshot, so a table that is swapped for a new one meanwhile is read whole, as the old one or the new one.
 */
import { instant, type Partition, parseTaskId } from '@tasker/core'
import { z } from 'zod'
import { openPool, type Pool } from '../../database.js'
import { databaseTrouble } from '../../database/trouble.js'
import { Fault } from '../../faults.js'
import { COMMIT_COLUMNS, commitOf } from '../../log/postgres/commit-rows.js'
import type { RowRecord } from '../tables/projected-table.js'
import { activityRowOf } from '../stored-activity.js'
import { parseCheckpoints } from '../stored-rows.js'
import { type IdentityHolder, type StoredRows, type StreamPage, TASK_TABLES, type TaskPage } from '../verify/port.js'

export interface AuditorRowsOptions {
  readonly url: string
  readonly checkpoints: { readonly name: string; readonly version: number }
}

export const openAuditorRows = ({ url, checkpoints }: AuditorRowsOptions): StoredRows =>
  auditorRows(openPool({ url, applicationName: 'tasker verify', connectionsMax: 2, preferIndexes: true }), checkpoints)

/** Rows of keys without a stream that one answer tells. */
const STRAY_KEYS_MAX = 100

const jsonOf = (rows: string): string => `coalesce((select json_agg(r) from (${rows}) as r), '[]')`

/** The next ids of a kind, one probe of the index each. */
const IDS = `with recursive ids (id, n) as (
    (select stream_id, 1 from event_commit where stream_kind = $1 and stream_id > $2 order by stream_id limit 1)
    union all
    select (select stream_id from event_commit where stream_kind = $1 and stream_id > ids.id order by stream_id limit 1), n + 1
    from ids where ids.id is not null and n < $3
  ), found as materialized (select id from ids where id is not null
  ), bound as materialized (select case when count(*) = $3 then max(id) end as up_to from found)`

const taskRows = (table: string): string =>
  jsonOf(`select t.* from ${table} t, bound where t.task_id > $2 and t.task_id <= bound.up_to
    union all select t.* from ${table} t, bound where t.task_id > $2 and bound.up_to is null`)

const page = (checkpoints: string, rows: string): string => `${IDS}
  select (select up_to from bound) as up_to, coalesce((select json_agg(id order by id) from found), '[]') as ids,
    ${jsonOf(checkpoints)} as checkpoints, ${rows}`

const KEY_ROWS = jsonOf(`select k.* from found join lateral (
    select namespace from event_commit where stream_kind = $1 and stream_id = found.id order by first_version limit 1
  ) as c on true join key k on k.namespace = c.namespace and k.queue = substr(found.id, length(c.namespace) + 2)`)

const SCHEDULE_ROWS = jsonOf(`select s.* from found join lateral (
    select namespace from event_commit where stream_kind = $1 and stream_id = found.id order by first_version limit 1
  ) as c on true join schedule s on s.namespace = c.namespace and s.name = substr(found.id, length(c.namespace) + 2)`)

const STRAY_SCHEDULES = `select * from schedule s where not exists (
    select from event_commit where stream_kind = 'schedule' and stream_id = s.namespace || '/' || s.name) limit ${STRAY_KEYS_MAX}`

const STRAY_KEYS = `select * from key k where not exists (
    select from event_commit where stream_kind = 'key' and stream_id = k.namespace || '/' || k.queue) limit ${STRAY_KEYS_MAX}`

const holdersOf = (where: string): string => `
  select i.scope, i.task_id, c.* from identity i left join lateral (
    select ${COMMIT_COLUMNS} from event_commit where stream_kind = 'task' and stream_id = i.task_id and first_version = 1
  ) as c on true where ${where}`

const RECORDS = z.array(z.record(z.string(), z.union([z.string(), z.number(), z.array(z.string()), z.null()])))
const PAGE = z.tuple([
  z.object({ up_to: z.string().nullable(), ids: z.array(z.string()), checkpoints: z.array(z.unknown()) }).loose(),
])
const ARCHIVED_ACTIVITY = z
  .object({
    hour_ms: z.number(),
    namespace: z.string(),
    name: z.string(),
    version: z.string(),
    step: z.string(),
    submitted: z.number(),
    completed: z.number(),
    failed: z.number(),
    cancelled: z.number(),
    retried: z.number(),
    steps: z.number(),
    duration_ms_sum: z.number(),
    duration_ms_max: z.number(),
    last_ended_at_ms: z.number(),
  })
  .transform((row) => activityRowOf(instant(row.hour_ms), row))
const HOURS = z.array(z.object({ hour_ms: z.coerce.number(), rows: z.coerce.number() }))
const COMMITS = z.tuple([z.object({ commits: z.coerce.number() })])
const SUMS = z.tuple([z.object({ rows: RECORDS, archived: z.array(ARCHIVED_ACTIVITY), checkpoints: z.array(z.unknown()) })])

type CommitRow = Parameters<typeof commitOf>[0]

/** Without a commit its columns are null. */
type HolderRow = (CommitRow | { readonly events: null }) & { readonly scope: string; readonly task_id: string }

const auditorRows = (pool: Pool, { name, version }: AuditorRowsOptions['checkpoints']): StoredRows => {
  const checkpoints = `select partition, seq from projection_checkpoint where projection = '${name}' and version = ${version}`
  const read = async <Row extends object>(text: string, values: readonly unknown[]): Promise<readonly Row[]> => {
    try {
      return (await pool.query<Row>(text, [...values])).rows
    } catch (error) {
      throw unavailable(error)
    }
  }
  const tasksText = page(checkpoints, TASK_TABLES.map((table) => `${taskRows(table)} as ${table}`).join(', '))
  const keysText = page(checkpoints, `${KEY_ROWS} as rows`)
  const schedulesText = page(checkpoints, `${SCHEDULE_ROWS} as rows`)
  const sumsText = `select ${jsonOf('select * from activity where hour_ms >= $1 and hour_ms < $2')} as rows, ${jsonOf('select * from archived_activity where hour_ms >= $1 and hour_ms < $2')} as archived, ${jsonOf(checkpoints)} as checkpoints`
  return {
    tasks: async (after, limit) => {
      const [answer] = PAGE.parse(await read(tasksText, ['task', after, limit]))
      const rows: TaskPage['rows'] = {
        task: RECORDS.parse(answer['task']),
        ready_step: RECORDS.parse(answer['ready_step']),
        timer: RECORDS.parse(answer['timer']),
        dead_letter: RECORDS.parse(answer['dead_letter']),
      }
      return { ...streamPage(answer), rows }
    },
    keys: async (after, limit) => {
      const [answer] = PAGE.parse(await read(keysText, ['key', after, limit]))
      return { ...streamPage(answer), rows: RECORDS.parse(answer['rows']) }
    },
    strayKeys: async () => (await read<RowRecord>(STRAY_KEYS, [])).map((row) => ({ ...row })),
    schedules: async (after, limit) => {
      const [answer] = PAGE.parse(await read(schedulesText, ['schedule', after, limit]))
      return { ...streamPage(answer), rows: RECORDS.parse(answer['rows']) }
    },
    straySchedules: async () => (await read<RowRecord>(STRAY_SCHEDULES, [])).map((row) => ({ ...row })),
    holders: async (scopes) => (await read<HolderRow>(holdersOf('i.scope = any($1::text[])'), [scopes])).map(holderOf),
    holdersAfter: async (scope, limit) =>
      (await read<HolderRow>(holdersOf('i.scope > $1 order by i.scope limit $2'), [scope, limit])).map(holderOf),
    activityHours: async () =>
      HOURS.parse(await read('select hour_ms, count(*) as rows from activity group by hour_ms order by hour_ms', [])).map(
        ({ hour_ms, rows }) => ({ hourMs: hour_ms, rows }),
      ),
    activity: async (fromMs, beforeMs) => {
      const [{ rows, archived, checkpoints: places }] = SUMS.parse(await read(sumsText, [fromMs, beforeMs]))
      return { rows, archived, checkpoints: checkpointsOf(places) }
    },
    archivedCommits: async () => COMMITS.parse(await read('select commits from archived_total', []))[0].commits,
    close: async () => {
      if (!pool.ended) await pool.end()
    },
  }
}

const checkpointsOf = (rows: readonly unknown[]): ReadonlyMap<Partition, number> => parseCheckpoints(rows)

const streamPage = (answer: z.infer<typeof PAGE>[0]): StreamPage => ({
  ids: answer.ids,
  upTo: answer.up_to ?? undefined,
  checkpoints: checkpointsOf(answer.checkpoints),
})

const holderOf = (row: HolderRow): IdentityHolder => ({
  scope: row.scope,
  taskId: parseTaskId(row.task_id),
  first: row.events === null ? undefined : commitOf(row),
})

const unavailable = (cause: unknown): Fault =>
  new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'DATABASE_UNAVAILABLE',
      message: `The projected rows cannot be read: ${databaseTrouble(cause, 'executing').message}`,
      retryable: true,
    },
    cause,
  )
