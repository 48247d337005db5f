/** Projected rows in memory: for tests and simulation. */
import {
  activityKey,
  type ActivityRow,
  addedActivity,
  compareRanked,
  type KeyRow,
  type DeadLetterRow,
  type Namespace,
  type Partition,
  type QueueName,
  type ReadyRow,
  type ScheduleRow,
  type TaskId,
  type TaskRow,
  type TimerRow,
} from '@tasker/core'
import type { ProjectionBatch, ProjectionStore, RemovedTask, Snapshot, WaitingPlace } from './port.js'
import type { SnapshotRow } from './snapshots/snapshot.js'
import { compareKeys, type QueueRequest, shareOf } from './queue-scan.js'

export interface MemoryStore extends ProjectionStore {
  /** Every row, in a fixed order, to compare a rebuilt store with a live one. */
  dump(): {
    readonly tasks: readonly TaskRow[]
    readonly ready: readonly ReadyRow[]
    readonly timers: readonly TimerRow[]
    readonly identities: ReadonlyMap<string, TaskId>
    /** In order of their keys. */
    readonly activity: readonly ActivityRow[]
    readonly keys: readonly KeyRow[]
    readonly schedules: readonly ScheduleRow[]
    readonly deadLetters: readonly DeadLetterRow[]
  }
}

/** `beforeWrite` may reject, to make a write fail, or wait, to make it slow. */
export const memoryStore = (beforeWrite: () => void | Promise<void> = () => undefined): MemoryStore => {
  const checkpoints = new Map<Partition, number>()
  const tasks = new Map<TaskId, TaskRow>()
  const ready = new Map<TaskId, readonly ReadyRow[]>()
  const timers = new Map<TaskId, readonly TimerRow[]>()
  const identities = new Map<string, TaskId>()
  const activity = new Map<string, ActivityRow>()
  const keys = new Map<string, KeyRow>()
  const schedules = new Map<string, ScheduleRow>()
  const deadLetters = new Map<TaskId, readonly DeadLetterRow[]>()
  const snapshots = new Map<TaskId, SnapshotRow>()

  const allReady = (): readonly ReadyRow[] => [...ready.values()].flat()
  const allTimers = (): readonly TimerRow[] => [...timers.values()].flat().sort(earlierFirst)
  const snapshot = <Row>(rows: readonly Row[]): Snapshot<Row> => ({ rows, checkpoints: new Map(checkpoints) })

  const write = async (batch: ProjectionBatch): Promise<'written' | 'conflict'> => {
    await beforeWrite()
    if (batch.checkpoints.some(({ partition, from }) => (checkpoints.get(partition) ?? 0) !== from)) return 'conflict'
    for (const { partition, to } of batch.checkpoints) checkpoints.set(partition, to)
    for (const row of batch.tasks) tasks.set(row.taskId, row)
    for (const taskId of batch.cleared) {
      ready.delete(taskId)
      timers.delete(taskId)
    }
    for (const row of batch.ready) ready.set(row.taskId, [...(ready.get(row.taskId) ?? []), row])
    for (const row of batch.timers) timers.set(row.taskId, [...(timers.get(row.taskId) ?? []), row])
    for (const row of batch.keys) keys.set(`${row.namespace}\n${row.queue}`, row)
    for (const row of batch.schedules) schedules.set(`${row.namespace}\n${row.name}`, row)
    for (const { taskId } of batch.deadLetters) deadLetters.delete(taskId)
    for (const row of batch.deadLetters) deadLetters.set(row.taskId, [...(deadLetters.get(row.taskId) ?? []), row])
    for (const row of batch.snapshots) snapshots.set(row.taskId, row)
    for (const { scope, taskId } of batch.identities) identities.set(scope, taskId)
    for (const row of batch.activity) count(row, activity)
    for (const gone of batch.removed) remove(gone, { tasks, deadLetters, identities })
    return 'written'
  }

  return {
    checkpoints: () => Promise.resolve(new Map(checkpoints)),
    write,
    readyQueues: () => Promise.resolve(queuesOf(allReady())),
    ready: (namespace, queue, request) => {
      const rows = allReady().filter((row) => row.namespace === namespace && row.queue === queue)
      return Promise.resolve(snapshot(firstOfKeys(rows, request)))
    },
    longestWaiting: (namespace, queue, readyBefore, after, limit) => {
      const rows = allReady().filter((row) => row.namespace === namespace && row.queue === queue && row.readyAt < readyBefore)
      const waiting = rows.filter((row) => after === undefined || oldestFirst(row, after) > 0)
      return Promise.resolve(waiting.sort(oldestFirst).slice(0, limit))
    },
    timers: (dueBefore, limit) => Promise.resolve(snapshot(dueOf(allTimers(), dueBefore).slice(0, limit))),
    inFlight: () => Promise.resolve(allTimers().filter(({ kind }) => kind === 'step_timeout' || kind === 'heartbeat')),
    linked: (after, limit) => Promise.resolve(linkedOf(allTimers(), after).slice(0, limit)),
    identity: (scope) => Promise.resolve(identities.get(scope)),
    key: (namespace, queue) => Promise.resolve(keys.get(`${namespace}\n${queue}`)),
    heldKeys: () => Promise.resolve([...keys.values()].filter(({ state }) => state.places.size > 0)),
    schedule: (namespace, name) => Promise.resolve(schedules.get(`${namespace}\n${name}`)),
    liveSchedules: () => Promise.resolve([...schedules.values()].filter(({ state }) => state.live !== undefined)),
    snapshot: (taskId) => Promise.resolve(snapshots.get(taskId)),
    close: () => Promise.resolve(),
    dump: () => ({
      tasks: [...tasks.values()].sort((a, b) => compareText(a.taskId, b.taskId)),
      ready: [...allReady()].sort(compareRanked),
      timers: allTimers(),
      identities: new Map(identities),
      activity: [...activity.values()].sort((a, b) => compareText(activityKey(a), activityKey(b))),
      keys: [...keys.values()],
      schedules: [...schedules.values()],
      deadLetters: [...deadLetters.values()].flat().sort((a, b) => compareText(a.taskId, b.taskId) || a.entry - b.entry),
    }),
  }
}

const dueOf = (rows: readonly TimerRow[], before: TimerRow['dueAt']): readonly TimerRow[] =>
  rows.filter(({ dueAt }) => dueAt < before)

const linkedOf = (rows: readonly TimerRow[], after: TaskId | undefined): readonly TaskId[] =>
  rows.flatMap(({ taskId, kind }) => (kind === 'linked' && taskId > (after ?? '') ? [taskId] : [])).sort(compareText)

const count = (row: ActivityRow, activity: Map<string, ActivityRow>): void => {
  const there = activity.get(activityKey(row))
  activity.set(activityKey(row), there === undefined ? row : addedActivity(there, row))
}

interface RemovableRows {
  readonly tasks: Map<TaskId, unknown>
  readonly deadLetters: Map<TaskId, unknown>
  readonly identities: Map<string, TaskId>
}

const remove = ({ taskId, identity }: RemovedTask, { tasks, deadLetters, identities }: RemovableRows): void => {
  tasks.delete(taskId)
  deadLetters.delete(taskId)
  if (identity !== undefined && identities.get(identity) === taskId) identities.delete(identity)
}

const queuesOf = (rows: readonly ReadyRow[]): { namespace: Namespace; queue: QueueName; waiting: number }[] => {
  const queues = new Map<string, { namespace: Namespace; queue: QueueName; waiting: number }>()
  for (const { namespace, queue } of rows) {
    const key = JSON.stringify([namespace, queue])
    const found = queues.get(key)
    if (found === undefined) queues.set(key, { namespace, queue, waiting: 1 })
    else found.waiting++
  }
  return [...queues.values()]
}

const firstOfKeys = (rows: readonly ReadyRow[], request: QueueRequest): readonly ReadyRow[] => {
  const { after, keysMax } = request
  const keys = [...new Set(rows.map((row) => row.fairnessKey))]
    .filter((key) => after === undefined || compareKeys(key, after) > 0)
    .sort(compareKeys)
    .slice(0, keysMax)
  const share = shareOf(request, keys.length)
  return keys.flatMap((key) =>
    rows
      .filter((row) => row.fairnessKey === key)
      .sort(compareRanked)
      .slice(0, share),
  )
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const oldestFirst = (a: WaitingPlace, b: WaitingPlace): number =>
  a.readyAt - b.readyAt || compareText(a.taskId, b.taskId) || compareText(a.step, b.step)

const earlierFirst = (a: TimerRow, b: TimerRow): number =>
  a.dueAt - b.dueAt || compareText(a.taskId, b.taskId) || compareText(a.kind, b.kind) || compareText(a.step ?? '', b.step ?? '')
