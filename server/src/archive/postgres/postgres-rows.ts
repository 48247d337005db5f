/** The rows of retention in PostgreSQL, over a small pool of its own: what is slow here holds up nobody else. */
import { instant, parseTaskId, type Partition, partitionNumber, present, type TaskId } from '@tasker/core'
import { z } from 'zod'
import { openPool, type Pool } from '../../database.js'
import { int2Array, int8Array } from '../../database/binary-array.js'
import { databaseTrouble } from '../../database/trouble.js'
import { Fault } from '../../faults.js'
import type { EndedTask, Removal, RetentionRows, WrittenArchive } from '../rows.js'
import { activityValues, REMOVE } from './remove-statement.js'

const CONNECTIONS = 2
const PENDING_MAX = 100

/** One probe of the index finds each next namespace. */
const NAMESPACES = `
with recursive found (namespace) as (
  (select namespace from task where ended_at_ms is not null order by namespace limit 1)
  union all
  select (select t.namespace from task t where t.ended_at_ms is not null and t.namespace > found.namespace order by t.namespace limit 1)
  from found where found.namespace is not null
)
select namespace from found where namespace is not null`

/** A place that no row has goes before all of them. */
const ENDED = `
select task_id, ended_at_ms from task
where namespace = $1 and ended_at_ms is not null and ended_at_ms < $2 and (ended_at_ms, task_id) > ($3::bigint, $4)
order by ended_at_ms, task_id limit $5`

const RECORD = `
insert into archive (name, namespace, tasks, bytes, first_ended_at_ms, last_ended_at_ms, written_at_ms, pending)
values ($1, $2, cardinality($3::text[]), $4, $5, $6, $7, $3)
on conflict (name) do update set bytes = excluded.bytes, written_at_ms = excluded.written_at_ms, pending = excluded.pending`

const TOTALS = `
select count(*) as archives, coalesce(sum(tasks), 0) as tasks, coalesce(sum(bytes), 0) as bytes, max(written_at_ms) as last,
  count(*) filter (where pending is not null) as pending
from archive`

const PLACE = z.object({ partition: z.coerce.number(), seq: z.coerce.number() })
const ENDED_ROW = z.object({ task_id: z.string(), ended_at_ms: z.coerce.number() })
const PENDING_ROW = z.object({ name: z.string(), pending: z.array(z.string()) })
const TOTALS_ROW = z.object({
  archives: z.coerce.number(),
  tasks: z.coerce.number(),
  bytes: z.coerce.number(),
  last: z.coerce.number().nullable(),
  pending: z.coerce.number(),
})

export const postgresRows = (url: string): RetentionRows => {
  const pool = openPool({ url, applicationName: 'tasker archive', connectionsMax: CONNECTIONS })
  const read = async (text: string, values: readonly unknown[] = []): Promise<readonly unknown[]> =>
    reachable(async () => (await pool.query<Record<string, unknown>>(text, [...values])).rows)
  return {
    namespaces: async () => (await read(NAMESPACES)).map((row) => z.object({ namespace: z.string() }).parse(row).namespace),
    ended: async (namespace, before, after, limit) =>
      (await read(ENDED, [namespace, before, after?.endedAt ?? -1, after?.taskId ?? '', limit])).map(endedOf),
    readers: async () => ({
      projected: placesOf(await read('select partition, min(seq) as seq from projection_checkpoint group by partition')),
      published: placesOf(await read('select partition, seq from publisher_checkpoint')),
    }),
    record: async ({ name, namespace, tasks, bytes, firstEndedAt, lastEndedAt, writtenAt }: WrittenArchive) => {
      await read(RECORD, [name, namespace, tasks, bytes, firstEndedAt, lastEndedAt, writtenAt])
    },
    pending: async () => {
      const text = 'select name, pending from archive where pending is not null order by written_at_ms, name limit $1'
      return (await read(text, [PENDING_MAX])).map((row) => {
        const { name, pending } = PENDING_ROW.parse(row)
        return { name, tasks: pending.map(taskIdOf) }
      })
    },
    remove: (removal) => reachable(() => remove(pool, removal)),
    finish: async (name) => {
      await read('update archive set pending = null where name = $1', [name])
    },
    totals: async () => {
      const { last, ...counts } = TOTALS_ROW.parse((await read(TOTALS))[0])
      return { ...counts, lastWrittenAt: last === null ? undefined : instant(last) }
    },
    close: () => (pool.ended ? Promise.resolve() : pool.end()),
  }
}

const endedOf = (row: unknown): EndedTask => {
  const { task_id, ended_at_ms } = ENDED_ROW.parse(row)
  return { taskId: taskIdOf(task_id), endedAt: instant(ended_at_ms) }
}

const taskIdOf = (text: string): TaskId => present(parseTaskId(text), 'the id of a task')

const placesOf = (rows: readonly unknown[]): ReadonlyMap<Partition, number> =>
  new Map(
    rows.map((row) => {
      const { partition, seq } = PLACE.parse(row)
      return [partitionNumber(partition), seq]
    }),
  )

/** R2: what was not all there is taken back. */
const remove = async (pool: Pool, { places, activity }: Removal): Promise<'removed' | 'changed' | 'busy'> => {
  const client = await pool.connect()
  try {
    await client.query('begin')
    // A rebuild of the sums begins with what is archived by then, and finds the rest in the log.
    await client.query('lock table archived_activity in row exclusive mode')
    const { rowCount: rebuilds } = await client.query(`select from projection_rebuild where name = 'activity'`)
    if (rebuilds !== 0) {
      await client.query('rollback')
      client.release()
      return 'busy'
    }
    const { rows } = await client.query<{ readonly removed: number }>({
      name: 'remove_archived',
      text: REMOVE,
      values: [
        int2Array(places.map(({ partition }) => partition)),
        int8Array(places.map(({ seq }) => seq)),
        ...activityValues(activity),
      ],
    })
    const whole = rows[0]?.removed === places.length
    await client.query(whole ? 'commit' : 'rollback')
    client.release()
    return whole ? 'removed' : 'changed'
  } catch (error) {
    // Whatever it has done so far is undone with it.
    client.release(true)
    throw error
  }
}

const reachable = async <Result>(work: () => Promise<Result>): Promise<Result> => {
  try {
    return await work()
  } catch (error) {
    throw new Fault(
      {
        code: 'UNAVAILABLE',
        reason: 'DATABASE_UNAVAILABLE',
        message: `What is archived cannot be read or written: ${databaseTrouble(error, 'executing').message}`,
        hint: 'Is PostgreSQL running, and is DATABASE_URL right?',
        retryable: true,
      },
      error,
    )
  }
}
