/** An engine that does nothing by itself: it keeps what the door asks of it, and a test answers when it wants. For the wire's behaviour only. */
import type {
  AttemptRef,
  AttemptResult,
  Engine,
  EngineHealth,
  StepCommand,
  Submission,
  SubmitAnswer,
  TaskOutcome,
  TaskSnapshot,
  WorkerHello,
  WorkerPort,
} from '@tasker/server/internal/engine/api'
import { Fault, type FaultDetail } from '@tasker/server/internal/faults'
import type { AnalyticsSource } from '@tasker/server/internal/query/analyse'
import type { Query } from '@tasker/server/internal/query/query'
import type { DoorLogger } from '@tasker/server/internal/grpc/door'
import type { JsonText, RecordedTaskEvent, TaskId } from '@tasker/core'

/** Everything one worker stream said. */
export interface HeardWorker {
  readonly hello: WorkerHello
  readonly port: WorkerPort
  readonly results: AttemptResult[]
  readonly progress: { readonly ref: AttemptRef; readonly progress: JsonText | undefined }[]
  heard: number
  drained: boolean
  disconnected: boolean
}

export interface SubmittedTask {
  readonly submission: Submission
  readonly answer: (answer: SubmitAnswer) => void
}

export interface AwaitedTask {
  readonly taskId: TaskId
  readonly answer: (outcome: TaskOutcome | { readonly type: 'failed'; readonly fault: FaultDetail }) => void
  stopped: boolean
}

export interface FollowedTask {
  readonly afterVersion: number
  readonly onEvents: (events: readonly RecordedTaskEvent[]) => void
  stopped: boolean
}

export interface EngineDouble {
  readonly engine: Engine
  readonly query: Query
  readonly analytics: AnalyticsSource
  readonly logger: DoorLogger
  readonly workers: HeardWorker[]
  readonly submitted: SubmittedTask[]
  readonly awaited: AwaitedTask[]
  readonly followed: FollowedTask[]
  readonly logged: object[]
  readonly tasks: Map<TaskId, TaskSnapshot>
  forgotten: readonly AttemptRef[]
  ready: boolean
  /** Resolves when the condition holds; looked at after every call the door makes. */
  until(condition: () => boolean): Promise<void>
}

const notPlayed = (): never => {
  throw new Error('the test does not play this part of the engine')
}

export const engineDouble = (): EngineDouble => {
  const waiting: { readonly condition: () => boolean; readonly resolve: () => void }[] = []
  const happened = (): void => {
    for (const wait of [...waiting]) {
      if (!wait.condition()) continue
      waiting.splice(waiting.indexOf(wait), 1)
      wait.resolve()
    }
  }
  const double: EngineDouble = {
    engine: engineOf(() => double, happened),
    query: {
      listTasks: notPlayed,
      deadLetters: {
        list: notPlayed,
        stats: notPlayed,
        investigations: notPlayed,
        stillest: notPlayed,
        pendingCount: notPlayed,
      },
    },
    analytics: {
      analytics: { activitySince: notPlayed, activeTasks: notPlayed, statusesSince: notPlayed, poolUse: notPlayed },
      queues: notPlayed,
      now: notPlayed,
    },
    logger: { info: () => undefined, warn: () => undefined, error: (fields) => double.logged.push(fields) },
    workers: [],
    submitted: [],
    awaited: [],
    followed: [],
    logged: [],
    tasks: new Map(),
    forgotten: [],
    ready: true,
    until: (condition) =>
      condition() ? Promise.resolve() : new Promise((resolve) => waiting.push({ condition, resolve: () => resolve() })),
  }
  return double
}

const engineOf = (double: () => EngineDouble, happened: () => void): Engine => ({
  domainEvents: { partitions: 1, end: notPlayed, read: notPlayed, onNews: notPlayed, listen: notPlayed },
  submit: (submission, answer) => {
    double().submitted.push({ submission, answer })
    happened()
  },
  cancel: notPlayed,
  order: notPlayed,
  schedules: { list: () => [], get: () => undefined, order: notPlayed },
  watch: { unservedQueues: () => [], queueProblem: () => undefined, heardSteps: () => new Map() },
  read: async (taskId) => double().tasks.get(taskId),
  readAsOf: notPlayed,
  history: notPlayed,
  follow: async (_taskId, afterVersion, listener) => {
    const followed: FollowedTask = { afterVersion, onEvents: (events) => listener.onEvents(events), stopped: false }
    double().followed.push(followed)
    happened()
    return () => {
      followed.stopped = true
      happened()
    }
  },
  awaitOutcome: (taskId, answer) => {
    const awaited: AwaitedTask = { taskId, answer, stopped: false }
    double().awaited.push(awaited)
    happened()
    return () => {
      awaited.stopped = true
      happened()
    }
  },
  register: () => Promise.reject(new Error('secret of the engine')),
  template: () => undefined,
  templates: () => [],
  connect: (hello, port) => {
    const worker: HeardWorker = { hello, port, results: [], progress: [], heard: 0, drained: false, disconnected: false }
    double().workers.push(worker)
    happened()
    return {
      forgotten: double().forgotten,
      result: (result) => {
        worker.results.push(result)
        happened()
      },
      heard: () => {
        worker.heard++
        happened()
      },
      progress: (ref, progress) => {
        worker.progress.push({ ref, progress })
        happened()
      },
      drain: () => {
        worker.drained = true
        happened()
      },
      record: () => undefined,
      journalWanted: () => undefined,
      disconnected: () => {
        worker.disconnected = true
        happened()
      },
    }
  },
  workers: () => [],
  queues: () => [],
  keys: () => [],
  health: () => healthOf(double()),
  stop: () => Promise.resolve(),
})

const healthOf = ({ ready }: EngineDouble): EngineHealth => ({
  ready,
  problems: [],
  parts: [],
  limits: [],
  clockOffsetMs: 0,
  partitions: 1,
  pendingCommits: 0,
  quarantined: [],
  projectionLagMs: 0,
  projectionLags: [],
  projectionDifferences: [],
  domainEvents: { lagMs: 0, problem: undefined },
  seals: undefined,
})

/** The fault of an engine that cannot be reached. */
export const unavailable = new Fault({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE', message: 'away', retryAfterMs: 500 })

export const commandOf = (task: TaskSnapshot, stepIndex: number, attempt = 1): StepCommand => {
  const step = task.state.graph.steps[stepIndex]
  if (step === undefined) throw new Error(`the plan has no step ${stepIndex}`)
  return { taskId: task.taskId, step: step.name, attempt, task: task.state, stepIndex, deadlineAt: task.state.updatedAt }
}
