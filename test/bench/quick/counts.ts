/** What a step costs in counts, which hardly depend on the machine or on its mood: four steps one after another, one task at a time. */
import { measureRunning } from '../measure.js'
import { COUNTED, resetStatements, statementsOf } from '../profile/statements.js'
import { SHAPES } from '../shapes.js'
import { round } from '../statistics.js'
import { startTasker } from '../tasker-stage.js'
import type { LoadOf } from '../workloads.js'
import { allocatedIn, TRACED } from './allocations.js'
import { type CountingWay, countingWay } from './counting-way.js'

/** Each for a step. */
export interface Counts {
  /** Rows of the log. */
  readonly commits: number
  readonly events: number
  /** Bytes of the events' text. */
  readonly event_bytes: number
  /** Statements that append, and all that PostgreSQL ran. */
  readonly append_statements: number
  readonly statements: number
  /** Of the statements that append. */
  readonly append_wal_bytes: number
  /** Between the server and everybody who calls it, both ways. */
  readonly messages: number
  readonly wire_bytes: number
  /** On the heap of the server. */
  readonly allocated_bytes: number
}

const SHAPE = 'linear_4'
const WARMUP_TASKS = 100

const tasksOf = (tasks: number): LoadOf<'closed_loop'> => ({
  type: 'closed_loop',
  shape: SHAPE,
  inFlight: 1,
  warmupMs: 0,
  until: { tasks },
})

export const countSteps = async (tasks: number): Promise<Counts> => {
  let way: CountingWay | undefined
  const stage = await startTasker([SHAPE], {
    parameters: COUNTED,
    serverNodeArgs: TRACED,
    via: async (grpcPort) => (way = await countingWay(grpcPort)),
  })
  try {
    await stage.startWorker()
    await measureRunning(stage, tasksOf(WARMUP_TASKS))
    await resetStatements(stage.database)
    const logBefore = await logged(stage.database)
    const passedBefore = way?.passed() ?? { messages: 0, bytes: 0 }
    const tracedBefore = stage.server.output().length
    await measureRunning(stage, tasksOf(tasks))
    const traced = stage.server.output().slice(tracedBefore)
    const passed = way?.passed() ?? passedBefore
    const statements = await statementsOf(stage.database)
    const log = await logged(stage.database)
    const steps = (log.tasks - logBefore.tasks) * SHAPES[SHAPE].steps
    const appends = statements.filter(({ statement }) => statement.startsWith('insert into event_commit'))
    const total = (of: readonly (typeof statements)[number][], field: 'calls' | 'wal_bytes'): number =>
      of.reduce((sum, use) => sum + use[field], 0)
    const perStep = (count: number): number => round(count / steps, 3)
    return {
      commits: perStep(log.commits - logBefore.commits),
      events: perStep(log.events - logBefore.events),
      event_bytes: perStep(log.bytes - logBefore.bytes),
      append_statements: perStep(total(appends, 'calls')),
      statements: perStep(total(statements, 'calls')),
      append_wal_bytes: perStep(total(appends, 'wal_bytes')),
      messages: perStep(passed.messages - passedBefore.messages),
      wire_bytes: perStep(passed.bytes - passedBefore.bytes),
      allocated_bytes: perStep(allocatedIn(traced) ?? 0),
    }
  } finally {
    await stage.stop()
  }
}

interface Logged {
  readonly commits: number
  readonly events: number
  readonly bytes: number
  readonly tasks: number
}

const logged = async (database: { query<Row extends object>(sql: string): Promise<readonly Row[]> }): Promise<Logged> => {
  const [row] = await database.query<Logged>(`
select count(*)::int as commits, coalesce(sum(cardinality(types)), 0)::int as events, coalesce(sum(octet_length(events)), 0)::int as bytes,
  count(distinct stream_id)::int as tasks
from event_commit where stream_kind = 'task'`)
  if (row === undefined) throw new Error('a sum has a row')
  return row
}
