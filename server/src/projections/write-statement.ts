/** The one statement that writes a batch of projected rows: all of it or, when a checkpoint has moved, none of it. */
import type pg from 'pg'
import { int2Array, int8Array } from '../database/binary-array.js'
import type { ProjectionBatch } from './port.js'
import { ACTIVITY } from './tables/activity.js'
import { CLEARED } from './tables/cleared.js'
import { DEAD_LETTER, FORGOTTEN } from './tables/dead-letter.js'
import { IDENTITY } from './tables/identity.js'
import { KEY } from './tables/key.js'
import { upsert } from './tables/projected-table.js'
import { READY_STEP } from './tables/ready-step.js'
import { SCHEDULE } from './tables/schedule.js'
import { SNAPSHOT } from './tables/snapshot.js'
import { placeholders, type TableWrite } from './tables/table-write.js'
import { REMOVED } from './tables/removed.js'
import { TASK } from './tables/task.js'
import { TIMER } from './tables/timer.js'

/** Rows of `ready_step` and `timer` are inserted after the deletions of the same statement, because their source asks how many those were. */
const TABLES: readonly TableWrite[] = [
  upsert(TASK, ({ tasks }) => tasks),
  CLEARED,
  upsert(READY_STEP, ({ ready }) => ready, { behind: 'cleared_ready' }),
  upsert(TIMER, ({ timers }) => timers, { behind: 'cleared_timers' }),
  upsert(IDENTITY, ({ identities }) => identities),
  upsert(ACTIVITY, ({ activity }) => activity),
  upsert(KEY, ({ keys }) => keys),
  upsert(SCHEDULE, ({ schedules }) => schedules),
  FORGOTTEN,
  upsert(DEAD_LETTER, ({ deadLetters }) => deadLetters),
  SNAPSHOT,
  REMOVED,
]

/** The checkpoints and the projection's name and version come before the tables' parameters. */
const PARAMETERS_BEFORE_TABLES = 5

/**
 * `agreed` locks the checkpoints that are as the writer believes and counts them; everything else hangs on that count (P2). Each table's
 * part numbers its parameters from where the one before it ends.
 */
const textOf = (tables: readonly TableWrite[]): string => {
  let next = PARAMETERS_BEFORE_TABLES + 1
  const parts = tables.map((table) => {
    const part = table.sql(placeholders(next, table.types))
    next += table.types.length
    return part
  })
  return `
with move as (
  select * from unnest($1::int2[], $2::int8[], $3::int8[]) as m(partition, from_seq, to_seq)
), locked as (
  select c.partition from projection_checkpoint c join move m on c.partition = m.partition and c.seq = m.from_seq
  where c.projection = $4 and c.version = $5
  for update of c
), agreed as (
  select 1 as yes where (select count(*) from locked) = (select count(*) from move)
), moved as (
  update projection_checkpoint c set seq = m.to_seq from move m, agreed
  where c.projection = $4 and c.version = $5 and c.partition = m.partition
  returning 1
), ${parts.join(', ')}
select exists (select from agreed) as agreed`
}

const TEXT = textOf(TABLES)

/** Prepared once a connection; answers one row `{agreed}`. */
export const writeStatement = (batch: ProjectionBatch, projection: { name: string; version: number }): pg.QueryConfig => ({
  name: 'write_projection',
  text: TEXT,
  values: [
    int2Array(batch.checkpoints.map((move) => move.partition)),
    int8Array(batch.checkpoints.map((move) => move.from)),
    int8Array(batch.checkpoints.map((move) => move.to)),
    projection.name,
    projection.version,
    ...TABLES.flatMap((table) => table.values(batch)),
  ],
})
