/** The start of a server: take the partitions, catch the projections up, find the attempts that were out, arm what waits. */
import {
  type ActivityRow,
  activityRows,
  type DurationMs,
  type Instant,
  instant,
  type KeyRow,
  latest,
  later,
  namespaceOf,
  type Partition,
  parseTaskId,
  partitionNumber,
  type ScheduleRow,
  type TaskEvent,
  type TaskId,
} from '@tasker/core'
import type { Dispatcher } from '../dispatch/dispatcher.js'
import type { Workers } from '../dispatch/workers.js'
import { decodeTaskEvents } from '../log/codec.js'
import { keyOfStream } from '../log/key-codec.js'
import { scheduleOfStream } from '../log/schedule-codec.js'
import { type EventLog, type Ownership, type StoredCommit, TASK_ARCHIVED } from '../log/port.js'
import type { IdentityRow, ProjectionStore } from '../projections/port.js'
import type { ProjectedCommit, Projector } from '../projections/projector.js'
import { streamActivity } from '../projections/stream-activity.js'
import type { Upkeep } from '../projections/upkeep.js'
import type { Publisher } from '../publishers/publisher.js'
import type { TimerWindow } from '../timers/timer-window.js'
import type { ArchivedIds } from './archiving.js'
import { attemptsOut } from './attempts-out.js'
import type { Children } from './children/children.js'
import type { Clock } from './clock.js'
import type { GroupCommit } from './group-commit.js'
import { scopeOfTask } from './identity.js'
import type { Keys } from './keys/keys.js'
import type { Schedules } from './schedules/schedules.js'
import type { Sealer } from './seals/sealer.js'
import type { StreamLoader } from './stream-loader.js'
import { durableTask } from './task-stream.js'
import type { TemplateCatalog } from './template-catalog.js'
import { tellQueues } from './waiting-queues.js'

/** Tasks folded between two writes of a catch-up. */
const CATCH_UP_TASKS_MAX = 1_000

/** Commits kept between two writes of a catch-up. */
const CATCH_UP_COMMITS_MAX = 10_000

export interface RecoveryParts {
  readonly node: string
  readonly log: EventLog
  readonly clock: Clock
  readonly commits: GroupCommit
  readonly catalog: TemplateCatalog
  readonly store: ProjectionStore
  readonly projector: Projector
  readonly loader: StreamLoader
  readonly submissions: { readonly archivedIds: ArchivedIds }
  readonly workers: Workers
  readonly dispatcher: Dispatcher
  readonly children: Children
  readonly keys: Keys
  readonly schedules: Schedules
  readonly timers: TimerWindow
  readonly publisher: Publisher | undefined
  readonly upkeep: Upkeep | undefined
  readonly sealer: Sealer | undefined
  /** What workers that were out before the start have to come back. */
  readonly graceMs: DurationMs
}

export interface RecoveryReport {
  readonly commitsCaughtUp: number
  readonly attemptsOut: number
  readonly queues: number
  readonly epochs: ReadonlyMap<Partition, number>
}

/** Nothing is answered or dispatched before this resolves. */
export const recover = async (parts: RecoveryParts): Promise<RecoveryReport> => {
  const { log, clock, commits, catalog, store, projector, timers, dispatcher, keys, submissions } = parts
  const owned: Ownership[] = []
  for (let n = 0; n < log.partitionCount; n++) {
    const ownership = await log.acquire(partitionNumber(n), parts.node, clock.now())
    commits.own(ownership)
    parts.sealer?.own(ownership)
    owned.push(ownership)
  }
  await catalog.load()
  const archived = await log.newestArchivedTask()
  if (archived !== undefined) submissions.archivedIds.raise(archived)
  const checkpoints = await store.checkpoints()
  let commitsCaughtUp = 0
  for (const { partition } of owned) {
    const from = checkpoints.get(partition) ?? 0
    projector.startFrom(partition, from)
    commitsCaughtUp += await catchUp(partition, from, parts)
  }
  await projector.caughtUp()
  await parts.upkeep?.beforeWork()
  const attemptsOut = await adoptAttempts(parts)
  await keys.recover(await store.heldKeys())
  await parts.schedules.recover(await store.liveSchedules())
  const queues = await tellQueues({ store, keys, dispatcher, children: parts.children })
  await timers.start()
  for (const { partition } of owned) parts.publisher?.startFrom(partition)
  const epochs = new Map(owned.map(({ partition, epoch }) => [partition, epoch]))
  return { commitsCaughtUp, attemptsOut, queues, epochs }
}

/** Projects the commits of a partition after its checkpoint, a bounded number of tasks at a time. */
const catchUp = async (partition: Partition, afterSeq: number, parts: RecoveryParts): Promise<number> => {
  let commits = 0
  let tail = new Tail()
  for await (const page of parts.log.readPartition(partition, afterSeq)) {
    for (const commit of page) {
      commits++
      tail.add(commit)
      if (tail.commits.size < CATCH_UP_TASKS_MAX && tail.size < CATCH_UP_COMMITS_MAX) continue
      await projectTail(partition, tail, parts)
      tail = new Tail()
    }
  }
  await projectTail(partition, tail, parts)
  return commits
}

/** All of a stretch is loaded before the projector hears of any of it: its checkpoint must not move without its rows. */
const projectTail = async (partition: Partition, tail: Tail, parts: RecoveryParts): Promise<void> => {
  const { loader, projector, keys, schedules } = parts
  const { seq, at } = tail
  if (seq === 0) return
  const tasks: NonNullable<ProjectedCommit['task']>[] = []
  const removed: NonNullable<ProjectedCommit['removed']>[] = []
  const activity: ActivityRow[] = []
  for (const taskId of tail.commits.keys()) {
    const found = await loader.load(taskId)
    if (found.type === 'failed' && found.fault.detail.retryable === true) throw found.fault
    if (found.type === 'archived') {
      removed.push({ taskId, identity: found.task.archived.identity })
      activity.push(...(await activityBeforeEnd(taskId, tail.commits.get(taskId) ?? [], parts)))
    }
    if (found.type !== 'stream') continue
    const { stream } = found
    const state = durableTask(stream)
    if (state === undefined) continue
    tasks.push({ taskId, state, version: stream.durableVersion, hash: stream.lastHash, stream })
    for (const commit of tail.commits.get(taskId) ?? []) activity.push(...activityRows(eventsOf(commit), commit.at, state))
  }
  const keyRows: KeyRow[] = []
  for (const { namespace, queue } of tail.keys.values()) keyRows.push(...(await keys.rows(namespace, queue)))
  const scheduleRows: ScheduleRow[] = []
  for (const { namespace, name } of tail.schedules.values()) scheduleRows.push(...(await schedules.rows(namespace, name)))
  projector.add({ partition, seq, at, task: undefined, identity: undefined, activity })
  for (const identity of tail.identities) projector.add({ partition, seq, at, task: undefined, identity, activity: [] })
  for (const task of tasks) projector.add({ partition, seq, at, task, identity: undefined, activity: [] })
  for (const gone of removed)
    projector.add({ partition, seq, at, task: undefined, identity: undefined, activity: [], removed: gone })
  for (const key of keyRows) projector.add({ partition, seq, at, task: undefined, identity: undefined, activity: [], key })
  for (const schedule of scheduleRows)
    projector.add({ partition, seq, at, task: undefined, identity: undefined, activity: [], schedule })
  await projector.caughtUp()
}

/** What those commits of an archived task add that are still in the log; what went was added when it went. */
const activityBeforeEnd = async (
  taskId: TaskId,
  commits: readonly StoredCommit[],
  { log, catalog }: RecoveryParts,
): Promise<readonly ActivityRow[]> => {
  const seqs = new Set(commits.filter(({ types }) => types[0] !== TASK_ARCHIVED).map(({ seq }) => seq))
  if (seqs.size === 0) return []
  const stream: StoredCommit[] = []
  for await (const page of log.readStream({ kind: 'task', id: taskId }, 1)) stream.push(...page)
  const counted = streamActivity(
    stream.filter(({ types }) => types[0] !== TASK_ARCHIVED),
    (hash) => catalog.planOf(hash),
  )
  return counted.flatMap(({ commit, activity }) => (seqs.has(commit.seq) ? activity : []))
}

/** Attempts that were out get their leases back; a deadline that passed while no server ran is moved behind the grace. */
const adoptAttempts = async ({ store, workers, clock, graceMs }: RecoveryParts): Promise<number> => {
  const rows = await store.inFlight()
  const graceOver: Instant = later(clock.now(), graceMs)
  let adopted = 0
  for (const { ref, worker, deadlineAt, heartbeatMs } of attemptsOut(rows)) {
    workers.adopt(ref, worker, namespaceOf(''), latest(deadlineAt, graceOver), heartbeatMs)
    adopted++
  }
  return adopted
}

/** What a stretch of a partition holds. */
class Tail {
  /** The commits of each task, in order. */
  readonly commits = new Map<TaskId, StoredCommit[]>()
  readonly identities: IdentityRow[] = []
  readonly keys = new Map<string, Pick<KeyRow, 'namespace' | 'queue'>>()
  readonly schedules = new Map<string, Pick<ScheduleRow, 'namespace' | 'name'>>()
  seq = 0
  size = 0
  at: Instant = instant(0)

  add(commit: StoredCommit): void {
    this.seq = commit.seq
    this.size++
    this.at = commit.at
    if (commit.stream.kind === 'key') this.keys.set(commit.stream.id, keyOfStream(commit))
    if (commit.stream.kind === 'schedule') this.schedules.set(commit.stream.id, scheduleOfStream(commit))
    if (commit.stream.kind !== 'task') return
    const taskId = parseTaskId(commit.stream.id)
    if (taskId === undefined) return
    const there = this.commits.get(taskId)
    if (there === undefined) this.commits.set(taskId, [commit])
    else there.push(commit)
    const identity = identityOf(commit, taskId)
    if (identity !== undefined) this.identities.push(identity)
  }
}

/** The events of a commit whose stream was folded, so they can be read. */
const eventsOf = (commit: StoredCommit): readonly TaskEvent[] => decodeTaskEvents(commit).map(({ event }) => event)

/** The identity a task was submitted with; commits that cannot be read are the loader's to quarantine. */
const identityOf = (commit: StoredCommit, taskId: TaskId): IdentityRow | undefined => {
  if (commit.types[0] !== 'task.submitted') return undefined
  try {
    const [first] = decodeTaskEvents(commit)
    const scope = first?.event.type === 'task.submitted' ? scopeOfTask(first.event) : undefined
    return scope === undefined ? undefined : { scope, taskId }
  } catch {
    return undefined
  }
}
