/** Rebuilds in PostgreSQL: how far each is, and the table beside the live one. */
import { instant, partitionNumber } from '@tasker/core'
import type pg from 'pg'
import { z } from 'zod'
import { openPool, type Pool } from '../../database.js'
import { databaseTrouble } from '../../database/trouble.js'
import { Fault } from '../../faults.js'
import { isProjectionName, type ProjectionName } from '../fold/names.js'
import { parseAgreed } from '../stored-rows.js'
import type { BuiltProjection, Rebuild, RebuildStore, RebuildWrite, Swapped } from '../rebuild/port.js'
import { besideOf, rebuildStatement } from './rebuild-statement.js'
import { createBeside, swapTables } from './swap.js'

export interface PostgresRebuildsOptions {
  readonly url: string
  /** Whose checkpoints tell how far the live rows are. */
  readonly checkpoints: { readonly name: string; readonly version: number }
}

export const openPostgresRebuilds = ({ url, checkpoints }: PostgresRebuildsOptions): RebuildStore =>
  new PostgresRebuilds(openPool({ url, applicationName: 'tasker rebuild', connectionsMax: 1, preferIndexes: true }), checkpoints)

/** One whose table somebody took away begins again. */
const OPEN = `select name, version, case when to_regclass(name || '_rebuild') is null then 'waiting' else phase end as phase, turn, cursor, targets, streams, extract(epoch from requested_at) * 1000 as requested_at_ms
  from projection_rebuild order by requested_at, name`

/** One of another version than the code's began under other rules: it begins again. */
const REQUEST = `insert into projection_rebuild (name, version, phase) values ($1, $2, 'waiting')
  on conflict (name) do update set version = excluded.version, phase = 'waiting', turn = projection_rebuild.turn + 1
  where projection_rebuild.version <> excluded.version`

const CHECKPOINTS = 'select partition, seq from projection_checkpoint where projection = $1 and version = $2'

const count = z.coerce.number().transform(Math.round)

const REBUILD = z
  .object({
    name: z.custom<ProjectionName>((name) => typeof name === 'string' && isProjectionName(name)),
    version: count,
    phase: z.enum(['waiting', 'folding', 'catching_up']),
    turn: count,
    cursor: z.string(),
    targets: z.record(z.string(), z.number()),
    streams: count,
    requested_at_ms: count,
  })
  .transform(
    ({ targets, requested_at_ms, ...row }): Rebuild => ({
      ...row,
      targets: new Map(Object.entries(targets).map(([partition, seq]) => [partitionNumber(Number(partition)), seq])),
      requestedAt: instant(requested_at_ms),
    }),
  )

const BUILT = z.array(z.object({ name: z.string(), version: count, built_at_ms: count }))

class PostgresRebuilds implements RebuildStore {
  readonly #pool: Pool
  readonly #checkpoints: PostgresRebuildsOptions['checkpoints']

  constructor(pool: Pool, checkpoints: PostgresRebuildsOptions['checkpoints']) {
    this.#pool = pool
    this.#checkpoints = checkpoints
  }

  async built(): Promise<ReadonlyMap<string, BuiltProjection>> {
    const text = 'select name, version, extract(epoch from built_at) * 1000 as built_at_ms from projection'
    const rows = BUILT.parse(await this.#rows(text))
    return new Map(rows.map(({ name, version, built_at_ms }) => [name, { version, builtAt: instant(built_at_ms) }]))
  }

  async open(): Promise<readonly Rebuild[]> {
    const rows = await this.#rows(OPEN)
    return rows.flatMap((row) => {
      const parsed = REBUILD.safeParse(row)
      return parsed.success ? [parsed.data] : []
    })
  }

  async request(name: ProjectionName, version: number): Promise<void> {
    await this.#rows(REQUEST, [name, version])
  }

  async begin(rebuild: Rebuild): Promise<void> {
    await this.#connected(async (connection) => {
      await connection.query('begin')
      try {
        const { rows } = await connection.query<{ partition: number; seq: string }>(CHECKPOINTS, [
          this.#checkpoints.name,
          this.#checkpoints.version,
        ])
        const targets = Object.fromEntries(rows.map(({ partition, seq }) => [partition, Number(seq)]))
        const moved = await connection.query(
          `update projection_rebuild set turn = turn + 1, phase = 'folding', cursor = '', streams = 0, targets = $3
            where name = $1 and turn = $2`,
          [rebuild.name, rebuild.turn, JSON.stringify(targets)],
        )
        if (moved.rowCount === 1) {
          await createBeside(connection, rebuild.name)
          if (rebuild.name === 'activity') await addArchived(connection, besideOf(rebuild.name))
        }
        await connection.query('commit')
      } catch (error) {
        await connection.query('rollback').catch(() => undefined)
        throw error
      }
    })
  }

  async write(rebuild: Rebuild, write: RebuildWrite): Promise<'written' | 'overtaken'> {
    const { text, values = [] } = rebuildStatement(rebuild, write)
    return parseAgreed(await this.#rows(text, values)) ? 'written' : 'overtaken'
  }

  swap(rebuild: Rebuild): Promise<Swapped> {
    return this.#connected((connection) => swapTables(connection, rebuild, this.#checkpoints))
  }

  async analyse({ name }: Rebuild): Promise<void> {
    await this.#rows(`analyze ${besideOf(name)}`)
  }

  async close(): Promise<void> {
    if (!this.#pool.ended) await this.#pool.end()
  }

  #rows(text: string, values: readonly unknown[] = []): Promise<readonly unknown[]> {
    return this.#connected(async (connection) => (await connection.query<Record<string, unknown>>(text, [...values])).rows)
  }

  /** A connection whose statement failed may be half dead: it is not used again. */
  async #connected<Result>(work: (connection: pg.PoolClient) => Promise<Result>): Promise<Result> {
    let connection: pg.PoolClient
    try {
      connection = await this.#pool.connect()
    } catch (error) {
      throw unavailable(error, 'connecting')
    }
    try {
      const result = await work(connection)
      connection.release()
      return result
    } catch (error) {
      connection.release(true)
      throw unavailable(error, 'executing')
    }
  }
}

/**
 * What went from the log is in the new sums before any stream is folded into them. Whoever takes commits out is waited for, and takes no
 * more as long as the rebuild is there.
 */
const addArchived = async (connection: pg.ClientBase, beside: string): Promise<void> => {
  await connection.query('lock table archived_activity in share mode')
  await connection.query(`insert into ${beside} select * from archived_activity`)
}

const unavailable = (cause: unknown, moment: 'connecting' | 'executing'): Fault =>
  new Fault(
    {
      code: 'UNAVAILABLE',
      reason: 'DATABASE_UNAVAILABLE',
      message: `The rows of a projection cannot be built just now: ${databaseTrouble(cause, moment).message}`,
      hint: 'The rebuild goes on from where it is; see `tasker projection status`.',
      retryable: true,
    },
    cause,
  )
