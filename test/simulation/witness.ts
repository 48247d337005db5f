/**
 * Somebody who sees every commit in the moment it is durable, before any server knows, and folds it by the rules of the core. What it has seen is what
 * invariants compare everything else with.
 */
import {
  evolve,
  evolveSchedule,
  type Instant,
  type KeyEvent,
  keyStream,
  type KeyState,
  type LiveTask,
  type Namespace,
  NO_KEY,
  NO_SCHEDULE,
  NO_TASK,
  parseTaskId,
  type Plan,
  type QueueName,
  type RecordedTaskEvent,
  type ScheduleEvent,
  type ScheduleState,
  type TaskId,
  type TaskState,
} from '@tasker/core'
import { decodeTaskEvents } from '@tasker/server/internal/log/codec'
import { decodeKeyEvents, keyOfStream } from '@tasker/server/internal/log/key-codec'
import type { StoredCommit } from '@tasker/server/internal/log/port'
import { decodeScheduleEvents, scheduleOfStream } from '@tasker/server/internal/log/schedule-codec'

/** A task's commit: its events, and the task on both sides of it. */
export interface TaskPart {
  readonly taskId: TaskId
  readonly events: readonly RecordedTaskEvent[]
  readonly before: TaskState
  readonly after: LiveTask
}

export interface KeyPart {
  readonly namespace: Namespace
  readonly queue: QueueName
  readonly events: readonly KeyEvent[]
  readonly version: number
  readonly state: KeyState
}

export interface SchedulePart {
  readonly namespace: Namespace
  readonly name: string
  readonly events: readonly ScheduleEvent[]
  readonly at: Instant
  readonly version: number
  readonly before: ScheduleState
  readonly state: ScheduleState
}

/** One durable commit. Parts are absent where the commit is of another stream, or of one that cannot be folded. */
export interface SeenCommit {
  readonly stored: StoredCommit
  /** The servers that appended it: almost always one. */
  readonly writers: ReadonlySet<string>
  /** The events of a task's commit, also where they cannot be folded. */
  readonly decoded: Pick<TaskPart, 'taskId' | 'events'> | undefined
  readonly task: TaskPart | undefined
  readonly key: KeyPart | undefined
  readonly schedule: SchedulePart | undefined
}

export interface SeenTask {
  readonly taskId: TaskId
  readonly events: RecordedTaskEvent[]
  /** By how many commits, and what the task was after each of them. */
  readonly states: { readonly version: number; readonly state: LiveTask }[]
  state: TaskState
}

interface SeenKey {
  version: number
  state: KeyState
}

interface SeenSchedule {
  version: number
  state: ScheduleState
}

export interface WitnessHooks {
  /** Plans of templates, as servers registered them. */
  readonly plan: (namespace: string, name: string, version: string) => Plan | undefined
  readonly seen: (commit: SeenCommit) => void
  /** The log holds what the rules do not allow. */
  readonly broken: (what: string, taskId: TaskId | undefined) => void
}

export class Witness {
  readonly #hooks: WitnessHooks
  readonly #tasks = new Map<TaskId, SeenTask>()
  readonly #keys = new Map<string, SeenKey>()
  readonly #schedules = new Map<string, SeenSchedule>()
  readonly #brokenStreams = new Set<string>()
  readonly #found: { readonly what: string; readonly taskId: TaskId | undefined }[] = []
  readonly #heads = new Map<number, number>()
  readonly commits: SeenCommit[] = []
  #events = 0

  constructor(hooks: WitnessHooks) {
    this.#hooks = hooks
  }

  /** How many events the log holds. */
  get events(): number {
    return this.#events
  }

  get tasks(): ReadonlyMap<TaskId, SeenTask> {
    return this.#tasks
  }

  /** Keys by the ids of their streams, as of their last commit. */
  get keys(): ReadonlyMap<string, { readonly state: KeyState }> {
    return this.#keys
  }

  /** Schedules by the ids of their streams, as of their last commit. */
  get schedules(): ReadonlyMap<string, { readonly version: number; readonly state: ScheduleState }> {
    return this.#schedules
  }

  /** The highest place that is taken in a partition. */
  head(partition: number): number {
    return this.#heads.get(partition) ?? 0
  }

  see(stored: StoredCommit, writers: ReadonlySet<string>): void {
    this.#events += stored.types.length
    this.#heads.set(stored.partition, stored.seq)
    const decoded = this.#unlessBroken(stored, decodesTask)
    const commit = {
      stored,
      writers,
      decoded,
      task: decoded === undefined ? undefined : this.#unlessBroken(stored, foldsTask(decoded)),
      key: this.#unlessBroken(stored, foldsKey),
      schedule: this.#unlessBroken(stored, foldsSchedule),
    }
    this.commits.push(commit)
    this.#hooks.seen(commit)
    // Said last: an invariant that sees what is wrong with the events names it better.
    for (const { what, taskId } of this.#found.splice(0)) this.#hooks.broken(what, taskId)
  }

  #unlessBroken<Part>(stored: StoredCommit, fold: Fold<Part>): Part | undefined {
    const stream = `${stored.stream.kind}/${stored.stream.id}`
    if (stored.stream.kind !== fold.kind || this.#brokenStreams.has(stream)) return undefined
    try {
      return fold.part(stored, {
        tasks: this.#tasks,
        keys: this.#keys,
        schedules: this.#schedules,
        plan: this.#hooks.plan,
      })
    } catch (error) {
      this.#brokenStreams.add(stream)
      const taskId = stored.stream.kind === 'task' ? parseTaskId(stored.stream.id) : undefined
      const what = `I1 ${stream} cannot be folded: ${error instanceof Error ? error.message : String(error)}`
      this.#found.push({ what, taskId })
      return undefined
    }
  }
}

interface Folded {
  readonly tasks: Map<TaskId, SeenTask>
  readonly keys: Map<string, SeenKey>
  readonly schedules: Map<string, SeenSchedule>
  readonly plan: WitnessHooks['plan']
}

interface Fold<Part> {
  readonly kind: string
  readonly part: (stored: StoredCommit, folded: Folded) => Part
}

const decodesTask: Fold<Pick<TaskPart, 'taskId' | 'events'>> = {
  kind: 'task',
  part: (stored) => {
    const taskId = parseTaskId(stored.stream.id)
    if (taskId === undefined) throw new Error('its id is no task id')
    return { taskId, events: decodeTaskEvents(stored) }
  },
}

/** Of events that were decoded. */
const foldsTask = ({ taskId, events }: Pick<TaskPart, 'taskId' | 'events'>): Fold<TaskPart> => ({
  kind: 'task',
  part: (stored, { tasks, plan: planOf }) => {
    const seen = tasks.get(taskId) ?? { taskId, events: [], states: [], state: NO_TASK }
    tasks.set(taskId, seen)
    const before = seen.state
    seen.events.push(...events)
    let state: TaskState = before
    for (const { event } of events) {
      const plan = state.type === 'task' ? state.plan : undefined
      const known = event.type === 'task.submitted' ? planOf(event.namespace, event.name, event.version) : plan
      if (known === undefined) throw new Error('it has no template')
      state = evolve(state, event, stored.at, known)
    }
    if (state.type !== 'task') throw new Error('a commit without events')
    seen.state = state
    seen.states.push({ version: stored.firstVersion + events.length - 1, state })
    return { taskId, events, before, after: state }
  },
})

const foldsKey: Fold<KeyPart> = {
  kind: 'key',
  part: (stored, { keys }) => {
    const seen = keys.get(stored.stream.id) ?? { version: 0, state: NO_KEY }
    keys.set(stored.stream.id, seen)
    const events = decodeKeyEvents(stored)
    for (const event of events) seen.state = keyStream.evolve(seen.state, event, stored.at)
    seen.version += events.length
    return { ...keyOfStream(stored), events, version: seen.version, state: seen.state }
  },
}

const foldsSchedule: Fold<SchedulePart> = {
  kind: 'schedule',
  part: (stored, { schedules }) => {
    const seen = schedules.get(stored.stream.id) ?? { version: 0, state: NO_SCHEDULE }
    schedules.set(stored.stream.id, seen)
    const events = decodeScheduleEvents(stored)
    const before = seen.state
    for (const event of events) seen.state = evolveSchedule(seen.state, event, stored.at)
    seen.version += events.length
    return { ...scheduleOfStream(stored), events, at: stored.at, version: seen.version, before, state: seen.state }
  },
}
