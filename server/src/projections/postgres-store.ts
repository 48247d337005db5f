/**
 * Projected rows in PostgreSQL. Writes go over a connection of their own and wait for the disk, as appends do: a running server relies on
 * what it was told is written (keys of tasks, checkpoints, rows it holds in memory no more), also when PostgreSQL alone has crashed.
 */
import { openPool, type Pool } from '../database.js'
import { type Executed, SteadyConnection } from '../database/steady-connection.js'
import { databaseTrouble } from '../database/trouble.js'
import { Fault } from '../faults.js'
import type { ProjectionBatch, ProjectionStore, Snapshot } from './port.js'
import {
  parseAgreed,
  parseCheckpoints,
  parseIdentity,
  parseKeys,
  parseQueues,
  parseReady,
  parseScheduleNames,
  parseSchedules,
  parseStoredSnapshot,
  parseSnapshot,
  parseTimer,
} from './stored-rows.js'
import { writeStatement } from './write-statement.js'

/** Whose checkpoints tell how far the rows are. A changed shape gets the next version, and is built beside the old one. */
export const PROJECTION = { name: 'task', version: 1 } as const

export interface PostgresStoreOptions {
  readonly url: string
  /** Connections that read; 2 by default. */
  readonly readConnections?: number
}

const READ_CONNECTIONS = 2

/** Opens the store of a migrated database. Throws a `Fault` when it cannot be reached. */
export const openPostgresStore = async (options: PostgresStoreOptions): Promise<ProjectionStore> => {
  const { url, readConnections = READ_CONNECTIONS } = options
  const store = new PostgresStore(
    openPool({ url, applicationName: 'tasker projection reads', connectionsMax: readConnections }),
    new SteadyConnection({ url, applicationName: 'tasker projection', preferIndexes: true }),
  )
  try {
    await store.checkpoints()
  } catch (error) {
    await store.close()
    throw error
  }
  return store
}

const CHECKPOINTS = `select partition, seq from projection_checkpoint where projection = '${PROJECTION.name}' and version = ${PROJECTION.version} and seq > 0`

/** Rows and checkpoints out of one statement, so out of one snapshot (P3). */
const withCheckpoints = (rows: string): string => `
select
  coalesce((select json_agg(r) from (${rows}) as r), '[]') as rows,
  coalesce((select json_agg(c) from (${CHECKPOINTS}) as c), '[]') as checkpoints`

/** One probe of the index finds the next fairness key, another its first rows: what a refill costs does not depend on how many rows wait. */
const ready = (isAfter: '>' | '>='): string =>
  withCheckpoints(`
  with recursive key (fairness_key, n) as (
    (select fairness_key, 1 from ready_step where namespace = $1 and queue = $2 and fairness_key ${isAfter} $3
      order by fairness_key limit 1)
    union all
    select (select r.fairness_key from ready_step r where r.namespace = $1 and r.queue = $2 and r.fairness_key > key.fairness_key
      order by r.fairness_key limit 1), key.n + 1
    from key where key.fairness_key is not null and key.n < $4
  ), found as materialized (select fairness_key from key where fairness_key is not null
  ), share as materialized (
    select case when $6 or count(*) >= $4 then 1 else greatest(1, $5 / greatest(1, count(*))) end as rows from found
  )
  select r.* from found cross join lateral (
    select * from ready_step r where r.namespace = $1 and r.queue = $2 and r.fairness_key = found.fairness_key
    order by r.rank_ms, r.task_id, r.step collate "C" limit (select rows from share)
  ) as r`)
const READY_FROM_START = ready('>=')
const READY_AFTER = ready('>')
const TIMERS = withCheckpoints(`
  select * from timer where due_at_ms < $1 order by due_at_ms, task_id, kind collate "C", step collate "C" limit $2`)

/** A place that no row has goes before all of them. */
const LONGEST_WAITING = `
  select * from ready_step where namespace = $1 and queue = $2 and ready_at_ms < $3
    and (ready_at_ms, task_id, step collate "C") > ($4::bigint, $5, $6)
  order by ready_at_ms, task_id, step collate "C" limit $7`

class PostgresStore implements ProjectionStore {
  readonly #pool: Pool
  readonly #writer: SteadyConnection
  /** The answer to the last write was lost: it may have been done. */
  #inDoubt = false

  constructor(pool: Pool, writer: SteadyConnection) {
    this.#pool = pool
    this.#writer = writer
  }

  async checkpoints() {
    return parseCheckpoints(await this.#read(CHECKPOINTS, []))
  }

  async write(batch: ProjectionBatch): Promise<'written' | 'conflict'> {
    await this.#seed(batch)
    const executed = await this.#writer.execute(writeStatement(batch, PROJECTION))
    this.#inDoubt ||= executed.type === 'trouble' && executed.trouble.type === 'connection_lost'
    const agreed = parseAgreed(rowsOf(executed))
    if (agreed || (this.#inDoubt && (await this.#isDone(batch)))) {
      this.#inDoubt = false
      return 'written'
    }
    return 'conflict'
  }

  async readyQueues() {
    const text = 'select namespace, queue, count(*) as waiting from ready_step group by namespace, queue'
    return parseQueues(await this.#read(text, []))
  }

  async ready(...[namespace, queue, { after, keysMax, rowsMax }]: Parameters<ProjectionStore['ready']>) {
    const text = after === undefined ? READY_FROM_START : READY_AFTER
    return this.#snapshot(text, [namespace, queue, after ?? '', keysMax, rowsMax, after !== undefined], parseReady)
  }

  async longestWaiting(...[namespace, queue, readyBefore, after, limit]: Parameters<ProjectionStore['longestWaiting']>) {
    const place = after ?? { readyAt: -1, taskId: '', step: '' }
    const values = [namespace, queue, readyBefore, place.readyAt, place.taskId, place.step, limit]
    return (await this.#read(LONGEST_WAITING, values)).map(parseReady)
  }

  async timers(...[dueBefore, limit]: Parameters<ProjectionStore['timers']>) {
    return this.#snapshot(TIMERS, [dueBefore, limit], parseTimer)
  }

  async inFlight() {
    const text = `select * from timer where kind in ('step_timeout', 'heartbeat') order by due_at_ms, task_id, step collate "C"`
    return (await this.#read(text, [])).map(parseTimer)
  }

  async linked(...[after, limit]: Parameters<ProjectionStore['linked']>) {
    const text = `select * from timer where kind = 'linked' and task_id > $1 order by task_id limit $2`
    return (await this.#read(text, [after ?? '', limit])).map((row) => parseTimer(row).taskId)
  }

  async identity(scope: string) {
    return parseIdentity(await this.#read('select task_id from identity where scope = $1', [scope]))
  }

  async key(...[namespace, queue]: Parameters<ProjectionStore['key']>) {
    const text = 'select namespace, queue, stream_version, state from key where namespace = $1 and queue = $2'
    return parseKeys(await this.#read(text, [namespace, queue]))[0]
  }

  async heldKeys() {
    return parseKeys(await this.#read('select namespace, queue, stream_version, state from key where places > 0', []))
  }

  async schedule(...[namespace, name]: Parameters<ProjectionStore['schedule']>) {
    const text = 'select namespace, name, stream_version, state from schedule where namespace = $1 and name = $2'
    return parseSchedules(await this.#read(text, [namespace, name]))[0]
  }

  async liveSchedules() {
    return parseScheduleNames(
      await this.#read('select namespace, name from schedule where live > 0 order by namespace, name', []),
    )
  }

  async snapshot(...[taskId]: Parameters<ProjectionStore['snapshot']>) {
    const text = 'select task_id, version, schema, commit_hash, state from task_snapshot where task_id = $1'
    return parseStoredSnapshot(await this.#read(text, [taskId]))
  }

  async close(): Promise<void> {
    await this.#writer.close()
    if (!this.#pool.ended) await this.#pool.end()
  }

  /** A partition's first checkpoint has no row yet that could be compared and set. */
  async #seed({ checkpoints }: ProjectionBatch): Promise<void> {
    const fresh = checkpoints.filter((move) => move.from === 0).map((move) => move.partition)
    if (fresh.length === 0) return
    const text = `insert into projection_checkpoint (projection, version, partition, seq)
      select $1, $2, p, 0 from unnest($3::int2[]) as p on conflict do nothing`
    rowsOf(await this.#writer.execute({ text, values: [PROJECTION.name, PROJECTION.version, fresh] }))
  }

  async #isDone({ checkpoints }: ProjectionBatch): Promise<boolean> {
    const stored = await this.checkpoints()
    return checkpoints.every(({ partition, to }) => stored.get(partition) === to)
  }

  async #snapshot<Row>(text: string, values: readonly unknown[], parse: (row: unknown) => Row): Promise<Snapshot<Row>> {
    const { rows, checkpoints } = parseSnapshot(await this.#read(text, values))
    return { rows: rows.map(parse), checkpoints: parseCheckpoints(checkpoints) }
  }

  async #read(text: string, values: readonly unknown[]): Promise<readonly unknown[]> {
    try {
      return (await this.#pool.query<Record<string, unknown>>(text, [...values])).rows
    } catch (error) {
      throw unavailable(databaseTrouble(error, 'executing').message, error)
    }
  }
}

const rowsOf = (executed: Executed): readonly unknown[] => {
  if (executed.type === 'done') return executed.rows
  throw unavailable(executed.trouble.message, undefined)
}

const unavailable = (message: string, cause: unknown): Fault =>
  new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'DATABASE_UNAVAILABLE',
      message: `The projected rows cannot be reached: ${message}`,
      hint: 'Is PostgreSQL running, and is DATABASE_URL right?',
      retryable: true,
    },
    cause,
  )
