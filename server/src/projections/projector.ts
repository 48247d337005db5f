/** Writes the projected rows behind the log: coalesced by task, with the checkpoints in the same transaction. */
import {
  activityKey,
  type ActivityRow,
  addedActivity,
  type DeadLetterRow,
  deadLetterRows,
  type DurationMs,
  type Instant,
  type KeyRow,
  type LiveTask,
  type Namespace,
  type Partition,
  type QueueName,
  type ReadyRow,
  readyRows,
  type ScheduleRow,
  type TaskId,
  taskRow,
  type TimerRow,
  timerRows,
} from '@tasker/core'
import { type Clock, waitOn } from '../engine/clock.js'
import type { CheckpointMove, IdentityRow, ProjectionBatch, ProjectionStore, RemovedTask } from './port.js'
import { type QueueRequest, type QueueScan, scanQueue } from './queue-scan.js'
import { RetainedTail } from './retained-tail.js'
import { type SnapshotRow, snapshotRow } from './snapshots/snapshot.js'

/** What the projector knows and remembers of a task's stored scheduling rows; lives with the task's cached stream. */
export interface ProjectedStream {
  /** `none`: the store has no ready or timer rows of the task; `unknown` after a load from the log. */
  storedRows: 'none' | 'some' | 'unknown'
  /** A rough size of its state. */
  readonly bytes: number
  /** Of the last snapshot that was written or read; 0 when none is known. */
  snapshotVersion: number
}

/** A durable commit, as the projector takes it in. */
export interface ProjectedCommit {
  readonly partition: Partition
  readonly seq: number
  readonly at: Instant
  /** Undefined for commits that change no row, such as those of partitions and templates. */
  readonly task:
    | {
        readonly taskId: TaskId
        readonly state: LiveTask
        readonly version: number
        /** Of the commit that made the version. */
        readonly hash: Buffer
        readonly stream: ProjectedStream
      }
    | undefined
  readonly identity: IdentityRow | undefined
  /** What the commit adds to its hour. */
  readonly activity: readonly ActivityRow[]
  /** The key after a commit of its stream. */
  readonly key?: KeyRow
  /** The schedule after a commit of its stream. */
  readonly schedule?: ScheduleRow
  /** The task is archived. */
  readonly removed?: RemovedTask
}

/** Timers, and how far they reach where the store has more: what is due later was not looked at. */
export interface SourceTimers {
  readonly rows: readonly TimerRow[]
  readonly cutAt: Instant | undefined
}

/** Tasks of one write: what a statement can do well within its time. */
const WRITE_TASKS_MAX = 10_000
/** Of what makes it count as behind, what may be left when it no longer does. */
const BACKLOG_GONE_SHARE = 0.5

type PendingTask = NonNullable<ProjectedCommit['task']>

/** How far the rows of a partition are behind its log. */
export interface PartitionLag {
  readonly partition: Partition
  readonly commits: number
  readonly lagMs: number
}

export interface ProjectorSettings {
  /** Pause between two writes while there is something to write. */
  readonly intervalMs: DurationMs
  /** Events of a task between two snapshots of it. */
  readonly snapshotEvents: number
  /** Unprojected tasks, and bytes of them, above which it counts as behind. */
  readonly backlogTasksMax: number
  readonly backlogBytesMax: number
}

export interface ProjectorHooks {
  /** Another writer moved a checkpoint: this server is not the owner any more. */
  readonly conflicted: (message: string) => void
  /** Too much is not in the rows yet; or no longer, once half of that is. */
  readonly behind: (behind: boolean) => void
}

export class Projector {
  readonly #store: ProjectionStore
  readonly #clock: Clock
  readonly #settings: ProjectorSettings
  readonly #hooks: ProjectorHooks
  readonly #checkpoints = new Map<Partition, number>()
  /** What was added since the last write, oldest first, each no more than one write takes. */
  #pending: Pending[] = []
  #writing: Pending | undefined
  readonly #retained = new RetainedTail<PendingTask>()
  readonly #retainedIdentities = new RetainedTail<IdentityRow>()
  #running: Promise<void> | undefined
  /** The write that is under way. */
  #write: Promise<void> = Promise.resolve()
  /** Set while nothing may be written. */
  #held: Promise<unknown> | undefined
  #stopped = false
  #behind = false
  #hurried: (() => void) | undefined

  constructor(store: ProjectionStore, clock: Clock, settings: ProjectorSettings, hooks: ProjectorHooks) {
    this.#store = store
    this.#clock = clock
    this.#settings = settings
    this.#hooks = hooks
  }

  /** The store's rows of this partition are those of the log up to here. */
  startFrom(partition: Partition, seq: number): void {
    this.#checkpoints.set(partition, seq)
  }

  /** Commits of one partition come in order of `seq`. */
  add(commit: ProjectedCommit): void {
    this.#open().add(commit)
    this.#watchBacklog()
    if (this.#running !== undefined || this.#stopped) return
    this.#running = this.#run()
  }

  #open(): Pending {
    const last = this.#pending.at(-1)
    if (last !== undefined && last.tasks.size < WRITE_TASKS_MAX) return last
    const next = new Pending()
    this.#pending.push(next)
    return next
  }

  /** What is not in the rows, oldest first. */
  #unprojected(): readonly Pending[] {
    return this.#writing === undefined ? this.#pending : [this.#writing, ...this.#pending]
  }

  /** Tasks with changes that are not in the rows yet. */
  get backlogTasks(): number {
    let count = this.#writing?.tasks.size ?? 0
    for (const { tasks } of this.#pending) count += tasks.size
    return count
  }

  get backlogBytes(): number {
    let sum = this.#writing?.bytes ?? 0
    for (const { bytes } of this.#pending) sum += bytes
    return sum
  }

  /** More is not in the rows yet than there should be. */
  get behind(): boolean {
    return this.#behind
  }

  #watchBacklog(): void {
    const { backlogTasksMax, backlogBytesMax } = this.#settings
    const share = Math.max(this.backlogTasks / backlogTasksMax, this.backlogBytes / backlogBytesMax)
    if (this.#behind ? share > BACKLOG_GONE_SHARE : share < 1) return
    this.#behind = !this.#behind
    this.#hooks.behind(this.#behind)
  }

  /** Milliseconds since the oldest commit that is not projected; 0 when all are. */
  lagMs(now: Instant): number {
    const since = this.#unprojected()[0]?.since
    return since === undefined ? 0 : Math.max(0, now - since)
  }

  /** How far each partition that was projected or waits is behind: commits, and the time since the oldest of them. */
  lags(now: Instant): readonly PartitionLag[] {
    const waiting = this.#unprojected()
    const partitions = new Set([...this.#checkpoints.keys(), ...waiting.flatMap(({ heads }) => [...heads.keys()])])
    return [...partitions].map((partition) => {
      const checkpoint = this.#checkpoints.get(partition) ?? 0
      const head = waiting.reduce((highest, { heads }) => heads.get(partition) ?? highest, checkpoint)
      const since = waiting.find(({ sinceIn }) => sinceIn.has(partition))?.sinceIn.get(partition)
      const behind = head > checkpoint && since !== undefined
      return { partition, commits: head - checkpoint, lagMs: behind ? Math.max(0, now - since) : 0 }
    })
  }

  /**
   * Nothing is written while `work` runs: the checkpoints stay where they are, and what is added waits in memory. A write that is under way
   * ends first, one whose outcome is not known too.
   */
  async whileStill<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#held !== undefined) await this.#held
    const holding = this.#write.then(work)
    const held = holding
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => {
        this.#held = undefined
      })
    this.#held = held
    return holding.finally(() => held)
  }

  /** Everything that was added is in the store when this resolves, unless the projector stops before. */
  async caughtUp(): Promise<void> {
    while (this.#running !== undefined && !this.#stopped) {
      this.#hurried?.()
      await this.#running
    }
  }

  /** Rows of the store as of the last durable commit, for one queue. */
  async ready(namespace: Namespace, queue: QueueName, request: QueueRequest): Promise<QueueScan> {
    return this.#withTail(
      async () => (await this.#store.ready(namespace, queue, request)).rows,
      (stored, newest) => {
        const tail = [...newest.values()].flatMap((task) =>
          readyRows(task.taskId, task.state).filter((row) => row.namespace === namespace && row.queue === queue),
        )
        return scanQueue(stored, request, ({ taskId }) => newest.has(taskId), tail)
      },
    )
  }

  /** Timers due before an instant, of the store and of the commits after its checkpoint. */
  async timers(dueBefore: Instant, limit: number): Promise<SourceTimers> {
    return this.#withTail(
      async () => (await this.#store.timers(dueBefore, limit)).rows,
      (stored, newest) => {
        const rows = stored.filter(({ taskId }) => !newest.has(taskId))
        for (const task of newest.values())
          rows.push(...timerRows(task.taskId, task.state).filter((row) => row.dueAt < dueBefore))
        return { rows, cutAt: stored.length < limit ? undefined : stored.at(-1)?.dueAt }
      },
    )
  }

  /** The task that has an identity, as of the last durable commit; of several the one submitted last. */
  async identity(scope: string): Promise<TaskId | undefined> {
    const release = this.#retainedIdentities.hold()
    try {
      const stored = await this.#store.identity(scope)
      return this.unprojectedIdentity(scope) ?? stored
    } finally {
      release()
    }
  }

  /** Writes what can be written and ends. */
  async stop(): Promise<void> {
    if (!this.#stopped) {
      await Promise.race([this.caughtUp(), waitOn(this.#clock, this.#settings.intervalMs)])
      this.#stopped = true
    }
    this.#hurried?.()
    await this.#running
  }

  /** What the store does not say yet. */
  unprojectedIdentity(scope: string): TaskId | undefined {
    for (const { identities } of this.#unprojected().toReversed()) {
      const pending = identities.get(scope)
      if (pending !== undefined) return pending.taskId
    }
    let retained: TaskId | undefined
    for (const row of this.#retainedIdentities.entries()) if (row.scope === scope) retained = row.taskId
    return retained
  }

  /** Stored rows of a task that changed since do not count: its newest state, the last that is retained, written or waiting, has its rows. */
  async #withTail<Row, Merged>(
    read: () => Promise<readonly Row[]>,
    merge: (stored: readonly Row[], newest: ReadonlyMap<TaskId, PendingTask>) => Merged,
  ): Promise<Merged> {
    const release = this.#retained.hold()
    try {
      const stored = await read()
      const newest = new Map<TaskId, PendingTask>()
      for (const task of this.#retained.entries()) newest.set(task.taskId, task)
      for (const { tasks } of this.#unprojected()) for (const task of tasks.values()) newest.set(task.taskId, task)
      return merge(stored, newest)
    } finally {
      release()
    }
  }

  async #run(): Promise<void> {
    while (this.#pending.length > 0 && !this.#stopped) {
      // What is more than one write takes is written at once.
      if (this.#pending.length === 1) await this.#pause()
      while (this.#held !== undefined) await this.#held
      this.#writing = this.#pending.shift()
      if (this.#writing === undefined) break
      this.#write = this.#writeAll(this.#writing)
      await this.#write
      this.#writing = undefined
      this.#watchBacklog()
    }
    this.#running = undefined
  }

  /** The pause that lets changes of one task come together; a caller of `caughtUp` ends it. */
  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const stop = this.#clock.after(this.#settings.intervalMs, resolve)
      this.#hurried = () => {
        stop()
        resolve()
      }
    })
    this.#hurried = undefined
  }

  async #writeAll(pending: Pending): Promise<void> {
    const batch = this.#batchOf(pending)
    while (!(await this.#tryWrite(batch))) {
      if (this.#stopped) return
      await waitOn(this.#clock, this.#settings.intervalMs)
    }
    for (const move of batch.checkpoints) this.#checkpoints.set(move.partition, move.to)
    this.#retained.retire(pending.tasks.values())
    this.#retainedIdentities.retire(pending.identities.values())
  }

  /** True when the rows are in the store. */
  async #tryWrite(batch: ProjectionBatch): Promise<boolean> {
    try {
      // A conflict after a lost answer is our own write: its rows came with these checkpoints.
      const written = (await this.#store.write(batch)) === 'written' || (await this.#landedBefore(batch))
      this.#failure = undefined
      if (!written) {
        this.#stopped = true
        this.#hooks.conflicted('another server moves the checkpoints of this database')
      }
      return written
    } catch (error) {
      this.#failure = error
      return false
    }
  }

  async #landedBefore(batch: ProjectionBatch): Promise<boolean> {
    const stored = await this.#store.checkpoints()
    return batch.checkpoints.every(({ partition, to }) => stored.get(partition) === to)
  }

  #failure: unknown

  /** Why the store does not take rows just now. */
  get failure(): unknown {
    return this.#failure
  }

  #batchOf(pending: Pending): ProjectionBatch {
    const tasks = []
    const cleared: TaskId[] = []
    const ready: ReadyRow[] = []
    const timers: TimerRow[] = []
    const deadLetters: DeadLetterRow[] = []
    const snapshots: SnapshotRow[] = []
    for (const { taskId, state, version, hash, stream } of pending.tasks.values()) {
      tasks.push(taskRow(taskId, state, version))
      const readyBefore = ready.length
      const timersBefore = timers.length
      ready.push(...readyRows(taskId, state))
      timers.push(...timerRows(taskId, state))
      deadLetters.push(...deadLetterRows(taskId, state))
      const some = ready.length > readyBefore || timers.length > timersBefore
      if (stream.storedRows !== 'none') cleared.push(taskId)
      stream.storedRows = some ? 'some' : 'none'
      if (version - stream.snapshotVersion < this.#settings.snapshotEvents) continue
      stream.snapshotVersion = version
      const snapshot = snapshotRow(taskId, state, version, hash)
      if (snapshot !== undefined) snapshots.push(snapshot)
    }
    // A task that is over may have rows of its children still.
    cleared.push(...pending.removed.keys())
    const checkpoints: CheckpointMove[] = []
    for (const [partition, to] of pending.heads) checkpoints.push({ partition, from: this.#checkpoints.get(partition) ?? 0, to })
    return {
      checkpoints,
      tasks,
      cleared,
      ready,
      timers,
      deadLetters,
      snapshots,
      identities: [...pending.identities.values()],
      activity: [...pending.activity.values()],
      keys: [...pending.keys.values()],
      schedules: [...pending.schedules.values()],
      removed: [...pending.removed.values()],
    }
  }
}

/** Commits that came since the last write, the latest state of each task only. */
class Pending {
  readonly tasks = new Map<TaskId, PendingTask>()
  readonly heads = new Map<Partition, number>()
  readonly identities = new Map<string, IdentityRow>()
  readonly activity = new Map<string, ActivityRow>()
  readonly keys = new Map<string, KeyRow>()
  readonly schedules = new Map<string, ScheduleRow>()
  readonly removed = new Map<TaskId, RemovedTask>()
  since: Instant | undefined
  /** Of the tasks, as they were when they came. */
  bytes = 0
  readonly sinceIn = new Map<Partition, Instant>()
  readonly #sizes = new Map<TaskId, number>()

  add(commit: ProjectedCommit): void {
    this.since ??= commit.at
    if (!this.sinceIn.has(commit.partition)) this.sinceIn.set(commit.partition, commit.at)
    this.heads.set(commit.partition, commit.seq)
    if (commit.task !== undefined) this.#addTask(commit.task)
    if (commit.key !== undefined) this.keys.set(`${commit.key.namespace}\n${commit.key.queue}`, commit.key)
    if (commit.schedule !== undefined)
      this.schedules.set(`${commit.schedule.namespace}\n${commit.schedule.name}`, commit.schedule)
    if (commit.removed !== undefined) this.#remove(commit.removed)
    if (commit.identity !== undefined) this.#identify(commit.identity)
    for (const row of commit.activity) {
      const key = activityKey(row)
      const there = this.activity.get(key)
      this.activity.set(key, there === undefined ? row : addedActivity(there, row))
    }
  }

  #addTask(task: PendingTask): void {
    const { bytes } = task.stream
    this.tasks.set(task.taskId, task)
    this.bytes += bytes - (this.#sizes.get(task.taskId) ?? 0)
    this.#sizes.set(task.taskId, bytes)
  }

  #remove(gone: RemovedTask): void {
    const { taskId, identity } = gone
    this.tasks.delete(taskId)
    if (identity !== undefined && this.identities.get(identity)?.taskId === taskId) this.identities.delete(identity)
    // Who has the scope by now is written over the one before.
    const isTaken = identity !== undefined && this.identities.has(identity)
    this.removed.set(taskId, isTaken ? { taskId, identity: undefined } : gone)
  }

  #identify(row: IdentityRow): void {
    this.identities.set(row.scope, row)
    for (const { taskId, identity } of this.removed.values())
      if (identity === row.scope) this.removed.set(taskId, { taskId, identity: undefined })
  }
}
