/** The REST door over tasks that live in memory: the real decider and the real template parser, no log and no dispatch. */
import {
  decide,
  evolve,
  hadHappened,
  instant,
  NO_TASK,
  partitionNumber,
  taskIdFrom,
  versionNumber,
  type ActivityRow,
  type LiveTask,
  type RecordedTaskEvent,
  type TaskCommand,
  type TaskId,
  type TaskRow,
  type TaskState,
  type TaskStatus,
} from '@tasker/core'
import type {
  Engine,
  QueueInfo,
  RegisterAnswer,
  Submission,
  TaskEventListener,
  TemplateRecord,
  UnservedQueue,
} from '@tasker/server/internal/engine/api'
import { outcomeOf } from '@tasker/server/internal/engine/followers'
import { Fault, type FaultDetail } from '@tasker/server/internal/faults'
import type { TaskListing, TaskPage } from '@tasker/server/internal/query/query'
import { buildRestApp } from '@tasker/server/internal/rest/app'
import { serverAudit } from '@tasker/server/internal/audit/audit'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import type { RestDoor } from '@tasker/server/internal/rest/door'
import type { App } from '@tasker/server/internal/rest/route'
import { createMetrics } from '@tasker/server/internal/telemetry/metrics'
import { createLogger } from '@tasker/server/internal/telemetry/logger'
import { readTemplate } from '@tasker/server/internal/templates/parse'
import { type LettersUnderTest, lettersOf } from './letters-under-test.js'
import { type ProjectionsUnderTest, projectionsUnderTest } from './projections-under-test.js'

export const ORDER_TEMPLATE = `
name: order
namespace_name: shop
version: 1.0.0
description: Two steps in a row
steps:
  - name: validate
    handler: { callable: Shop.Validate }
  - name: charge
    handler: { callable: Shop.Charge }
    dependencies: [validate]
`

interface HeldTask {
  state: LiveTask
  readonly events: RecordedTaskEvent[]
  readonly listeners: Set<TaskEventListener>
  readonly waiters: Set<() => void>
}

export interface DoorUnderTest {
  readonly app: App
  readonly door: RestDoor
  readonly projections: ProjectionsUnderTest
  /** What the door asked of the read side, latest last. */
  readonly listings: TaskListing[]
  readonly submissions: Submission[]
  readonly letters: LettersUnderTest
  /** Queues that nobody serves. */
  readonly unserved: UnservedQueue[]
  readonly queues: QueueInfo[]
  /** What the next list shows. */
  readonly page: { rows: readonly TaskRow[]; nextCursor: string | undefined }
  /** What the next submission is answered with instead of a task. */
  readonly trouble: { fault: FaultDetail | undefined; readFault: FaultDetail | undefined; quarantined: boolean }
  /** What the sums of the projections are. */
  readonly analytics: {
    activity: readonly ActivityRow[]
    active: number
    statuses: ReadonlyMap<TaskStatus, number>
    poolUse: number
  }
  order(taskId: TaskId, command: TaskCommand): void
  stop(): Promise<void>
}

const START_MS = Date.UTC(2026, 0, 1)

export const openDoor = async (): Promise<DoorUnderTest> => {
  const tasks = new Map<TaskId, HeldTask>()
  const byRequest = new Map<string, TaskId>()
  const templates: TemplateRecord[] = []
  const listings: TaskListing[] = []
  const submissions: Submission[] = []
  const unserved: UnservedQueue[] = []
  const queues: QueueInfo[] = []
  const letters = lettersOf(tasks)
  const page: DoorUnderTest['page'] = { rows: [], nextCursor: undefined }
  const trouble: DoorUnderTest['trouble'] = { fault: undefined, readFault: undefined, quarantined: false }
  const analytics: DoorUnderTest['analytics'] = { activity: [], active: 0, statuses: new Map(), poolUse: 0 }

  const apply = (taskId: TaskId, held: HeldTask | undefined, command: TaskCommand): HeldTask => {
    const decision = decide(held?.state ?? NO_TASK, command)
    if (decision.type === 'refused') throw new Error(decision.refusal.message)
    const plan = command.type === 'submit' ? command.plan : present(held).state.plan
    let state: LiveTask | undefined = held?.state
    const events: RecordedTaskEvent[] = []
    for (const event of decision.events) {
      const next = evolve(state ?? NO_TASK, event, command.at, plan)
      if (next.type === 'task') state = next
      const version = versionNumber((held?.events.length ?? 0) + events.length + 1)
      events.push({ version, at: command.at, event, cause: { actor: 'tests', command: command.type } })
    }
    const task = held ?? { state: present(state), events: [], listeners: new Set(), waiters: new Set() }
    task.state = present(state)
    task.events.push(...events)
    tasks.set(taskId, task)
    for (const listener of task.listeners) listener.onEvents(events)
    for (const waiter of [...task.waiters]) waiter()
    return task
  }

  const engine: Engine = {
    domainEvents: {
      partitions: 1,
      end: async () => 0,
      read: async () => undefined,
      onNews: () => () => undefined,
      listen: () => () => undefined,
    },
    schedules: {
      list: () => [],
      get: () => undefined,
      order: () => Promise.reject(new Error('the tests of this door order no schedule')),
    },
    submit: (submission, answer) => {
      submissions.push(submission)
      if (trouble.fault !== undefined) return answer({ type: 'failed', fault: trouble.fault })
      const known = byRequest.get(submission.requestId)
      if (known !== undefined) return answer({ type: 'existing', taskId: known, token: '0:1' })
      const record = engine.template(submission.namespace, submission.name, submission.version)
      if (record === undefined) throw new Error('the tests submit known templates')
      const taskId = taskIdFrom(
        START_MS,
        Uint8Array.from({ length: 10 }, (_, index) => index + tasks.size),
      )
      byRequest.set(submission.requestId, taskId)
      apply(taskId, undefined, {
        type: 'submit',
        at: instant(START_MS),
        plan: record.plan,
        namespace: submission.namespace,
        context: submission.context,
        priority: submission.priority ?? 0,
        tags: submission.tags,
        correlationId: submission.correlationId ?? 'c-1',
      })
      answer({ type: 'created', taskId, token: `0:${tasks.size}` })
    },
    cancel: (taskId, reason, actor) =>
      engine.order(taskId, { type: 'cancel', ...(reason === undefined ? {} : { reason }) }, actor),
    watch: {
      unservedQueues: () => unserved,
      queueProblem: (_, handler) => unserved.find((queue) => queue.handler === handler),
      heardSteps: () => new Map(),
    },
    order: async (taskId, order) => {
      const held = tasks.get(taskId)
      const command: TaskCommand = { ...order, at: instant(START_MS) }
      const decision = decide(held?.state ?? NO_TASK, command)
      if (decision.type === 'refused') return { type: 'refused', refusal: decision.refusal }
      apply(taskId, held, command)
      return { type: 'done', taskId, token: '0:9' }
    },
    read: async (taskId) => {
      if (trouble.readFault !== undefined) throw new Fault(trouble.readFault)
      const held = tasks.get(taskId)
      return held && { taskId, version: held.events.length, state: held.state }
    },
    readAsOf: async (taskId, moment) => {
      const held = tasks.get(taskId)
      if (held === undefined) return undefined
      const events = held.events.filter((event) => hadHappened(moment, event))
      const last = present(events.at(-1))
      const state = events.reduce<TaskState>((task, { event, at }) => evolve(task, event, at, held.state.plan), NO_TASK)
      return { taskId, version: last.version, state: state.type === 'task' ? state : held.state, asOf: last.at }
    },
    history: async (taskId, afterVersion, limit) => present(tasks.get(taskId)).events.slice(afterVersion, afterVersion + limit),
    follow: async (taskId, afterVersion, listener) => {
      const held = present(tasks.get(taskId))
      listener.onEvents(held.events.slice(afterVersion))
      held.listeners.add(listener)
      return () => held.listeners.delete(listener)
    },
    awaitOutcome: (taskId, answer) => {
      const held = present(tasks.get(taskId))
      const look = (): void => {
        const outcome = outcomeOf(taskId, held.state)
        if (outcome !== undefined) answer(outcome)
      }
      held.waiters.add(look)
      look()
      return () => held.waiters.delete(look)
    },
    register: async (content, options): Promise<RegisterAnswer> => {
      const reading = readTemplate(content)
      if (reading.type !== 'valid') {
        const reason = reading.type === 'unreadable' ? 'YAML_SYNTAX' : 'TEMPLATE_INVALID'
        const errors = reading.problems
        return { type: 'failed', fault: { code: 'INVALID_INPUT', reason, message: 'the template does not fit', errors } }
      }
      const { template, hash } = reading.plan
      const { namespace, name, version } = template
      const known = engine.template(namespace, name, version)
      if (known?.hash === hash) return { type: 'unchanged', record: known, warnings: reading.warnings }
      const record = { namespace, name, version, hash, plan: reading.plan, content, registeredAt: instant(START_MS) }
      if (known !== undefined && !options.replace)
        return { type: 'failed', fault: { code: 'CONFLICT', reason: 'TEMPLATE_EXISTS', message: 'other content is registered' } }
      templates.push(record)
      return { type: 'registered', record, replaced: known !== undefined, warnings: reading.warnings }
    },
    template: (namespace, name, version) =>
      templates.findLast(
        (record) => record.namespace === namespace && record.name === name && (version ?? record.version) === record.version,
      ),
    templates: () => templates,
    connect: () => {
      throw new Error('no worker comes to this door')
    },
    workers: () => [],
    queues: () => queues,
    keys: () => [],
    health: () => ({
      ready: !trouble.quarantined,
      problems: trouble.quarantined ? ['the database is away'] : [],
      parts: [{ name: 'database', ok: !trouble.quarantined, needed: true, detail: 'committed 5 ms ago' }],
      limits: [{ limit: 'waiting_commits', used: 3, max: 50_000 }],
      clockOffsetMs: -4,
      partitions: 16,
      pendingCommits: 3,
      quarantined: [],
      projectionLagMs: 20,
      projectionLags: [{ partition: partitionNumber(3), commits: 7, lagMs: 20 }],
      projectionDifferences: [],
      domainEvents: { lagMs: 0, problem: undefined },
      seals: undefined,
    }),
    stop: async () => undefined,
  }
  const stopping = new AbortController()
  const projections = projectionsUnderTest()
  const door: RestDoor = {
    engine,
    audit: serverAudit({
      log: memoryLog({ partitionCount: 1 }),
      sealed: () => Promise.resolve(),
      trusted: undefined,
      archived: () => Promise.resolve(undefined),
      sealsDir: undefined,
    }),
    query: {
      listTasks: async (listing): Promise<TaskPage> => {
        listings.push(listing)
        return page
      },
      deadLetters: letters.query,
    },
    analytics: {
      analytics: {
        activitySince: () => Promise.resolve(analytics.activity),
        activeTasks: () => Promise.resolve(analytics.active),
        statusesSince: () => Promise.resolve(analytics.statuses),
        poolUse: () => analytics.poolUse,
      },
      queues: () => engine.queues(),
      now: () => instant(START_MS),
    },
    projections,
    logger: createLogger({ level: 'silent' }),
    metrics: createMetrics(),
    info: { version: '0.1.0', startedAt: START_MS, config: { DATABASE_URL: 'postgres://tasker:***@localhost/tasker' } },
  }
  await engine.register(ORDER_TEMPLATE, { replace: false, actor: 'tests' })
  const app = await buildRestApp(door, stopping.signal)
  return {
    app,
    door,
    listings,
    submissions,
    letters,
    projections,
    unserved,
    queues,
    page,
    trouble,
    analytics,
    order: (taskId, command) => void apply(taskId, tasks.get(taskId), command),
    stop: async () => {
      stopping.abort()
      await app.close()
    },
  }
}

const present = <Value>(value: Value | undefined): Value => {
  if (value === undefined) throw new Error('the tests name tasks that are there')
  return value
}
