/** The projections by name: the table of each, its version, and how its rows follow from a stream. A new projection is one line here. */
import { activityKey, type ActivityRow, addedActivity, deadLetterRows, readyRows, taskRow, timerRows } from '@tasker/core'
import { scopeOfTask } from '../../engine/identity.js'
import type { StreamKind } from '../../log/port.js'
import type { IdentityRow } from '../port.js'
import { ACTIVITY } from '../tables/activity.js'
import { DEAD_LETTER } from '../tables/dead-letter.js'
import { IDENTITY } from '../tables/identity.js'
import { KEY } from '../tables/key.js'
import {
  columnBuffers,
  columnTypes,
  insertSql,
  type ProjectedTable,
  recordOf,
  type RowRecord,
} from '../tables/projected-table.js'
import { READY_STEP } from '../tables/ready-step.js'
import { SCHEDULE } from '../tables/schedule.js'
import { TASK } from '../tables/task.js'
import { TIMER } from '../tables/timer.js'
import type { ProjectionName } from './names.js'
import type { FoldedKey, FoldedSchedule, FoldedStream, FoldedTask } from './stream-fold.js'

/** A projection, whatever its rows are. */
export interface Projection {
  readonly name: ProjectionName
  /** Of the rows' shape and of the rules they follow from; rows of another version are built again. */
  readonly version: number
  /** The engine works from these rows: another version of them is built before anything is answered. */
  readonly isWorkedFrom: boolean
  readonly streams: Extract<StreamKind, 'task' | 'key' | 'schedule'>
  /** Its rows are sums over commits, not what a stream came to. */
  readonly isSum: boolean
  /** Whose rows go before those of streams that were folded anew: of all these streams, of those that have none any more, of none. */
  readonly clears: 'folded' | 'emptied' | 'none'
  readonly key: readonly string[]
  readonly columns: readonly string[]
  readonly types: readonly `${string}[]`[]
  /** `written_NAME as (insert …)` into a table of the same columns. */
  readonly insertSql: (parameters: readonly string[], into: string, behind: string | undefined) => string
  readonly buffers: (folded: readonly FoldedStream[]) => readonly Buffer[]
  readonly records: (folded: FoldedStream) => readonly RowRecord[]
}

interface Shape<Row> {
  readonly name: ProjectionName
  readonly table: ProjectedTable<Row>
  readonly version: number
  readonly isWorkedFrom: boolean
  readonly streams: Projection['streams']
  readonly isSum?: boolean
  readonly clears: Projection['clears']
  /** Rows of several streams that meet in one. */
  readonly combined?: (rows: readonly Row[]) => readonly Row[]
  /** Whether a row goes over one that is there. */
  readonly overIf?: string
}

const projection = <Row>(shape: Shape<Row>, rowsOf: (folded: FoldedStream) => readonly Row[]): Projection => {
  const {
    name,
    table,
    version,
    isWorkedFrom,
    streams,
    isSum = false,
    clears,
    combined = (rows: readonly Row[]) => rows,
    overIf,
  } = shape
  const over = overIf === undefined ? {} : { overIf }
  return {
    name,
    version,
    isWorkedFrom,
    streams,
    isSum,
    clears,
    key: table.key,
    columns: table.columns.map((column) => column.name),
    types: columnTypes(table),
    insertSql: (parameters, into, behind) =>
      insertSql(table, parameters, { into, ...over, ...(behind === undefined ? {} : { behind }) }),
    buffers: (folded) => columnBuffers(table, combined(folded.flatMap(rowsOf))),
    records: (folded) => rowsOf(folded).map((row) => recordOf(table, row)),
  }
}

const readableOf = (folded: FoldedStream): FoldedTask | FoldedKey | FoldedSchedule | undefined => {
  if (folded.type === 'unreadable') return folded.before
  return folded.type === 'nothing' ? undefined : folded
}

const ofTask =
  <Row>(rowsOf: (folded: FoldedTask) => readonly Row[]) =>
  (folded: FoldedStream): readonly Row[] => {
    const readable = readableOf(folded)
    return readable?.type === 'task' ? rowsOf(readable) : []
  }

const activityOf = (folded: FoldedStream): readonly ActivityRow[] => {
  if (folded.type === 'nothing') return folded.activity
  const readable = readableOf(folded)
  return readable?.type === 'task' ? readable.activity : []
}

const ofKey =
  <Row>(rowsOf: (folded: FoldedKey) => readonly Row[]) =>
  (folded: FoldedStream): readonly Row[] => {
    const readable = readableOf(folded)
    return readable?.type === 'key' ? rowsOf(readable) : []
  }

const ofSchedule =
  <Row>(rowsOf: (folded: FoldedSchedule) => readonly Row[]) =>
  (folded: FoldedStream): readonly Row[] => {
    const readable = readableOf(folded)
    return readable?.type === 'schedule' ? rowsOf(readable) : []
  }

interface PlacedIdentity extends IdentityRow {
  readonly seq: number
}

/** The scope a task was submitted under, if any. */
export const identityOf = ({ taskId, state, firstSeq }: FoldedTask): PlacedIdentity | undefined => {
  const scope = scopeOfTask(state.submitted)
  return scope === undefined ? undefined : { scope, taskId, seq: firstSeq }
}

/** Of several tasks with one scope, which share a partition, the one submitted last. */
const lastOfScopes = (rows: readonly PlacedIdentity[]): readonly PlacedIdentity[] => {
  const last = new Map<string, PlacedIdentity>()
  for (const row of rows) if (row.seq > (last.get(row.scope)?.seq ?? 0)) last.set(row.scope, row)
  return [...last.values()]
}

const submittedAt = (row: string): string =>
  `coalesce((select seq from event_commit where stream_kind = 'task' and stream_id = ${row}.task_id and first_version = 1), 0)`

/** Rows of one hour and subject as one. */
export const summed = (rows: readonly ActivityRow[]): readonly ActivityRow[] => {
  const sums = new Map<string, ActivityRow>()
  for (const row of rows) {
    const there = sums.get(activityKey(row))
    sums.set(activityKey(row), there === undefined ? row : addedActivity(there, row))
  }
  return [...sums.values()]
}

const BY_NAME: Readonly<Record<ProjectionName, Projection>> = {
  task: projection(
    { name: 'task', table: TASK, version: 1, clears: 'folded', isWorkedFrom: false, streams: 'task' },
    ofTask(({ taskId, state, version }) => [taskRow(taskId, state, version)]),
  ),
  ready_step: projection(
    { name: 'ready_step', table: READY_STEP, version: 1, clears: 'folded', isWorkedFrom: true, streams: 'task' },
    ofTask(({ taskId, state }) => readyRows(taskId, state)),
  ),
  timer: projection(
    { name: 'timer', table: TIMER, version: 1, clears: 'folded', isWorkedFrom: true, streams: 'task' },
    ofTask(({ taskId, state }) => timerRows(taskId, state)),
  ),
  identity: projection<PlacedIdentity>(
    {
      name: 'identity',
      table: IDENTITY,
      version: 1,
      clears: 'emptied',
      isWorkedFrom: true,
      streams: 'task',
      combined: lastOfScopes,
      overIf: `${submittedAt('excluded')} > ${submittedAt('stored')}`,
    },
    ofTask((folded) => {
      const row = identityOf(folded)
      return row === undefined ? [] : [row]
    }),
  ),
  activity: projection(
    {
      name: 'activity',
      table: ACTIVITY,
      version: 1,
      clears: 'none',
      isWorkedFrom: false,
      streams: 'task',
      isSum: true,
      combined: summed,
    },
    activityOf,
  ),
  key: projection(
    { name: 'key', table: KEY, version: 1, clears: 'none', isWorkedFrom: true, streams: 'key' },
    ofKey(({ row }) => [row]),
  ),
  schedule: projection(
    { name: 'schedule', table: SCHEDULE, version: 1, clears: 'none', isWorkedFrom: true, streams: 'schedule' },
    ofSchedule(({ row }) => [row]),
  ),
  dead_letter: projection(
    { name: 'dead_letter', table: DEAD_LETTER, version: 1, clears: 'folded', isWorkedFrom: false, streams: 'task' },
    ofTask(({ taskId, state }) => deadLetterRows(taskId, state)),
  ),
}

export const projectionOf = (name: ProjectionName): Projection => BY_NAME[name]
