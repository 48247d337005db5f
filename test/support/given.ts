/** Decider tests as sentences: given a task's history, when a command comes, then these events follow, or this refusal. */
import {
  type AfterRecord,
  type KeyKind,
  type KeySpec,
  readKey,
  DEFAULT_RETRY_POLICY,
  NO_LIFECYCLE,
  NO_TASK,
  decide,
  functionTemplate,
  durationMs,
  evolve,
  handlerName,
  instant,
  jsonOf,
  namespaceOf,
  planOf,
  readExpression,
  stepId,
  taskIdFrom,
  templateHash,
  trustedJson,
  workerId,
  type BatchConfig,
  type CallOf,
  type Checkpoint,
  type Decision,
  type Expression,
  type Failure,
  type Instant,
  type Json,
  type JournalProposal,
  type Lifecycle,
  type LiveTask,
  type ParentLink,
  type Plan,
  type RetryPolicy,
  type StepChoice,
  type StepSpec,
  type StepType,
  type TaskCommand,
  type TaskEvent,
  type TaskId,
  type TaskRefusal,
  type TaskRefusalReason,
  type TaskState,
  type TimeoutKind,
} from '@tasker/core'
import { expect } from 'vitest'

/** The instant that `at(0)` names; commands carry it unless told otherwise. */
const ORIGIN_MS = Date.UTC(2026, 0, 1)
const MIDDLE_DRAW = 0.5

/** The instant `ms` after the tests' beginning of time. */
export const at = (ms: number): Instant => instant(ORIGIN_MS + ms)

export interface StepOptions {
  readonly after?: readonly string[]
  readonly retry?: Partial<RetryPolicy>
  readonly timeoutMs?: number
  readonly priority?: number
  readonly keys?: readonly KeySpec[]
  readonly method?: string
  readonly type?: StepType
  readonly batch?: Partial<BatchConfig>
  readonly lifecycle?: Lifecycle
  readonly initialization?: StepSpec['handler']['initialization']
  readonly more?: Partial<StepSpec>
  readonly publishes?: StepSpec['publishes']
}

const NO_BATCH_CONFIG: BatchConfig = {
  batchSize: undefined,
  parallelism: undefined,
  cursorField: undefined,
  workerTemplate: undefined,
  failureStrategy: undefined,
}

export const step = (name: string, options: StepOptions = {}): StepSpec => ({
  name: stepId(name),
  description: undefined,
  type: options.type ?? 'standard',
  handler: {
    callable: handlerName(`Handlers.${name}`),
    method: options.method ?? 'call',
    resolver: undefined,
    initialization: options.initialization ?? {},
  },
  dependencies: (options.after ?? []).map(stepId),
  retry: { ...DEFAULT_RETRY_POLICY, ...options.retry },
  resultSchema: undefined,
  timeoutMs: durationMs(options.timeoutMs ?? 60_000),
  heartbeatMs: undefined,
  scheduleToStartMs: undefined,
  scheduleToCloseMs: undefined,
  batchConfig: options.batch === undefined ? undefined : { ...NO_BATCH_CONFIG, ...options.batch },
  priority: options.priority ?? 0,
  keys: options.keys ?? [],
  publishes: options.publishes ?? [],
  when: undefined,
  onFailure: 'block',
  compensate: undefined,
  join: 'all',
  cancelRemaining: false,
  lifecycle: options.lifecycle,
  ...options.more,
})

export const expression = (text: string): Expression => {
  const reading = readExpression(text)
  if (reading.type === 'faulty') throw new Error(reading.faults.map((fault) => fault.message).join('; '))
  return reading.expression
}

export const plan = (...steps: readonly StepSpec[]): Plan => planWith(NO_LIFECYCLE, ...steps)

/** A plan whose template says how long its tasks may stay as they are. */
export const planWith = (lifecycle: Lifecycle, ...steps: readonly StepSpec[]): Plan =>
  planOf(
    {
      kind: 'graph',
      namespace: namespaceOf('shop'),
      name: 'order',
      version: '1.0.0',
      description: undefined,
      dependencyScope: 'ancestors',
      priority: 0,
      fairnessKey: undefined,
      inputSchema: undefined,
      environments: new Map(),
      environment: undefined,
      identity: { strategy: 'always_unique', windowMs: undefined, whileRunning: false },
      steps,
      lifecycle,
      declared: {},
    },
    templateHash('0'.repeat(64)),
  )

/** A durable function. */
export const functionPlan: Plan = planOf(
  functionTemplate({ namespace: namespaceOf('shop'), name: 'renewal', version: '1.0.0', inputSchema: undefined }),
  templateHash('f'.repeat(64)),
)

/** A command, once it knows the plan it is for. */
export type Order = (plan: Plan) => TaskCommand

interface When {
  readonly at?: number
  readonly attempt?: number
  readonly worker?: string
}

const whenOf = (when: When) => ({ at: at(when.at ?? 0), attempt: when.attempt ?? 1, worker: workerId(when.worker ?? 'w1') })

export const submit =
  (
    options: {
      readonly at?: number
      readonly runAt?: Instant
      readonly priority?: number
      readonly context?: Json
      readonly parent?: ParentLink
    } = {},
  ): Order =>
  (of) => ({
    type: 'submit',
    at: at(options.at ?? 0),
    plan: of,
    namespace: namespaceOf('shop'),
    context: jsonOf(options.context ?? { order: 1 }),
    priority: options.priority ?? 0,
    tags: [],
    correlationId: 'c-1',
    ...(options.runAt === undefined ? {} : { runAt: options.runAt }),
    ...(options.parent === undefined ? {} : { parent: options.parent }),
  })

export const runDue =
  (atMs: number): Order =>
  () => ({ type: 'run_due', at: at(atMs) })

export const start =
  (name: string, when: When = {}): Order =>
  () => ({ type: 'start', step: stepId(name), ...whenOf(when) })

/** A key with a text that is the same for all steps. */
export const keyOf = (kind: KeyKind, text: string, limit = 1, perMs?: number): KeySpec => {
  const reading = readKey(text)
  if (reading.type === 'faulty') throw new Error(`no key: ${text}`)
  return { kind, key: reading.key, limit, perMs: perMs === undefined ? undefined : durationMs(perMs) }
}

export const admit = (name: string, kind: KeyKind, key: string, when: When = {}): Order => {
  const { at: instantOf, attempt } = whenOf(when)
  return () => ({ type: 'admit', step: stepId(name), at: instantOf, attempt, kind, key })
}

export const release = (name: string, when: When = {}): Order => {
  const { at: instantOf, attempt } = whenOf(when)
  return () => ({ type: 'release', step: stepId(name), at: instantOf, attempt, reason: 'never sent' })
}

export const complete =
  (name: string, output = '{}', when: When = {}): Order =>
  () => ({ type: 'complete', step: stepId(name), output: trustedJson(output), ...whenOf(when) })

/** A decision or an analyzer that is done. */
export const choose =
  (name: string, choice: StepChoice, when: When = {}): Order =>
  () => ({ type: 'complete', step: stepId(name), output: trustedJson('{}'), choice, ...whenOf(when) })

export const checkpoint =
  (name: string, number: number, saved: Partial<Pick<Checkpoint, 'cursor' | 'itemsProcessed'>> = {}, when: When = {}): Order =>
  () => ({
    type: 'checkpoint',
    step: stepId(name),
    number,
    cursor: saved.cursor ?? trustedJson(String(number)),
    itemsProcessed: saved.itemsProcessed ?? number,
    ...whenOf(when),
  })

export const failure = (message = 'it broke', more: Partial<Failure> = {}): Failure => ({
  message,
  errorType: 'RetryableError',
  retryable: true,
  ...more,
})

export const permanently: Failure = { message: 'never again', errorType: 'PermanentError', retryable: false }

export const fail =
  (name: string, how: Failure = failure(), when: When = {}): Order =>
  () => ({ type: 'fail', step: stepId(name), failure: how, draw: MIDDLE_DRAW, ...whenOf(when) })

export const stop =
  (name: string, when: When = {}): Order =>
  () => ({ type: 'stopped', step: stepId(name), ...whenOf(when) })

export const timeOut = (name: string, when: When = {}, kind: TimeoutKind = 'start_to_close'): Order => {
  const { at: instantOf, attempt } = whenOf({ at: 60_000, ...when })
  return () => ({ type: 'time_out', kind, step: stepId(name), at: instantOf, attempt, draw: MIDDLE_DRAW })
}

export const retryDue = (name: string, when: When = {}): Order => {
  const { at: instantOf, attempt } = whenOf({ attempt: 2, at: 1_000, ...when })
  return () => ({ type: 'retry_due', step: stepId(name), at: instantOf, attempt })
}

export const cancel =
  (reason?: string, atMs = 0): Order =>
  () => ({ type: 'cancel', at: at(atMs), ...(reason === undefined ? {} : { reason }) })

export const graceOver =
  (atMs = 10_000): Order =>
  () => ({ type: 'cancel_grace_over', at: at(atMs) })

export const failTask =
  (atMs = 0): Order =>
  () => ({ type: 'fail_task', at: at(atMs), code: 'GIVEN_UP', message: 'Nobody waits for it.' })

/** What the worker of a durable function hands in, and what its run does then. */
export const record =
  (proposals: readonly JournalProposal[], when: When & { readonly then?: AfterRecord } = {}): Order =>
  () => ({ type: 'record', proposals, ...whenOf(when), ...(when.then === undefined ? {} : { then: when.then }) })

export const suspend =
  (seen: number, when: When = {}): Order =>
  () => ({ type: 'suspend', seen, ...whenOf(when) })

export const diverge =
  (when: When = {}): Order =>
  () => ({ type: 'diverge', expected: 'the step a', actual: 'the step b', line: 'renewal.ts:3:7', ...whenOf(when) })

export const continueAs =
  (input: string, unread: readonly number[] = [], when: When & { readonly seen?: number } = {}): Order =>
  () => ({ type: 'continue', input: trustedJson(input), unread, seen: when.seen ?? 1_000, ...whenOf(when) })

/** What comes to a durable function from outside. */
/** A child with a task of its own; its id follows from its key. */
export const child = (key: string, onClose: 'cancel' | 'abandon' = 'cancel'): JournalProposal => ({
  type: 'child',
  key,
  taskId: childTask(key),
  namespace: namespaceOf('shop'),
  name: 'below',
  input: trustedJson('{}'),
  onClose,
})

export const childTask = (key: string): TaskId => {
  const random = new Uint8Array(10)
  random.set([...key].slice(0, 10).map((letter) => letter.charCodeAt(0)))
  return taskIdFrom(ORIGIN_MS, random)
}

export const childOver =
  (key: string, taskId: TaskId = childTask(key), atMs = 0): Order =>
  () => ({ type: 'child_over', at: at(atMs), key, taskId, outcome: { type: 'succeeded', result: trustedJson('1') } })

export const timerDue =
  (key: string, atMs: number): Order =>
  () => ({ type: 'timer_due', at: at(atMs), key })

export const signal =
  (name: string, payload = '{}', atMs = 0): Order =>
  () => ({ type: 'signal', at: at(atMs), name, payload: trustedJson(payload) })

/** A request to a durable function. */
export const update =
  (id: string, atMs = 0): Order =>
  () => ({ type: 'update', at: at(atMs), id, name: 'ask', payload: trustedJson('{}') })

/** What the function says to it. */
export const answer = (id: string): JournalProposal => ({
  type: 'update.answered',
  id,
  outcome: { type: 'succeeded', result: trustedJson('1') },
})

/** The result of a step of a durable function. */
export const effect = (key: string, result = '1'): JournalProposal & TaskEvent => ({
  type: 'effect.recorded',
  kind: 'step',
  key,
  outcome: { type: 'succeeded', result: trustedJson(result) },
})

export const sleepUntil = (key: string, dueMs: number, kind: 'timer' | 'signal' = 'timer'): JournalProposal => ({
  type: 'timer',
  kind,
  key,
  dueAt: at(dueMs),
})

/** What a durable function calls, with the policy of templates; `retry` and times where they are said. */
export const callOf = (
  key: string,
  options: { readonly input?: string; readonly retry?: Partial<RetryPolicy> } & Partial<Pick<CallOf, 'scheduleToStartMs'>> = {},
): CallOf => {
  const { input = '{}', retry = {}, ...times } = options
  return {
    key,
    callable: handlerName(`pay/${key}`),
    method: 'call',
    input: trustedJson(input),
    retry: { ...DEFAULT_RETRY_POLICY, ...retry },
    timeoutMs: durationMs(60_000),
    priority: 0,
    ...times,
  }
}

export const call = (...given: Parameters<typeof callOf>): JournalProposal => ({ type: 'call', call: callOf(...given) })

type Orders = 'pause' | 'resume' | 'retry' | 'resolve'

/** An operator's order to the task. */
export const order =
  (type: Orders, said: { readonly at?: number; readonly reason?: string; readonly by?: string } = {}): Order =>
  () => ({ type, ...operator(said) })

/** An operator's hand on a step. */
export const byHand =
  (
    type: 'reset_step' | 'resolve_step',
    name: string,
    said: { readonly at?: number; readonly reason?: string; readonly by?: string } = {},
  ): Order =>
  () => ({ type, step: stepId(name), ...operator(said) })

export const completeByHand =
  (name: string, output = '{"by":"hand"}', said: { readonly at?: number; readonly reason?: string } = {}): Order =>
  () => ({ type: 'complete_step', step: stepId(name), output: trustedJson(output), ...operator(said) })

const operator = ({ at: ms = 0, ...said }: { readonly at?: number; readonly reason?: string; readonly by?: string }) => ({
  at: at(ms),
  ...said,
})

/** What a decision makes of a task. */
export const applied = (state: TaskState, events: readonly TaskEvent[], when: Instant, of: Plan): TaskState =>
  events.reduce((folded, event) => evolve(folded, event, when, of), state)

/** A task after commands that must all be accepted. */
export const stateAfter = (of: Plan, history: readonly Order[]): TaskState =>
  history.reduce<TaskState>((state, order) => {
    const command = order(of)
    const decision = decide(state, command)
    if (decision.type === 'refused') throw new Error(`the given history is refused: ${decision.refusal.message}`)
    return applied(state, decision.events, command.at, of)
  }, NO_TASK)

export const taskAfter = (of: Plan, ...history: readonly Order[]): LiveTask => {
  const state = stateAfter(of, history)
  if (state.type !== 'task') throw new Error('the given history submits no task')
  return state
}

export interface Decided {
  /** Exactly these events, in this order, and the state can take them. */
  readonly then: (...events: readonly TaskEvent[]) => void
  /** Events told in short, as `tellingOf` does. */
  readonly thenTold: (...told: readonly string[]) => void
  /** Accepted; the events are looked at by the test, and the state can take them. */
  readonly thenEvents: (look: (events: readonly TaskEvent[]) => void) => void
  /** Accepted, without an event. */
  readonly thenNothingNew: () => void
  readonly thenRefused: (reason: TaskRefusalReason) => void
}

const decided = (state: TaskState, command: TaskCommand, of: Plan): Decided => {
  const decision: Decision<TaskEvent, TaskRefusal> = decide(state, command)
  const events = decision.type === 'accepted' ? decision.events : []
  return {
    then: (...expected) => {
      expect(decision).toStrictEqual({ type: 'accepted', events: expected })
      applied(state, events, command.at, of)
    },
    thenTold: (...told) => {
      expect(decision.type === 'accepted' ? events.map(tellingOf) : decision.refusal).toEqual(told)
      applied(state, events, command.at, of)
    },
    thenEvents: (look) => {
      expect(decision.type).toBe('accepted')
      look(events)
      applied(state, events, command.at, of)
    },
    thenNothingNew: () => {
      expect(decision).toStrictEqual({ type: 'accepted', events: [] })
    },
    thenRefused: (reason) => {
      expect(decision).toMatchObject({ type: 'refused', refusal: { reason } })
    },
  }
}

/** `step.scheduled b`, `task.completed`: an event in short. */
const tellingOf = (event: TaskEvent): string => ('step' in event ? `${event.type} ${event.step}` : event.type)

export const given = (of: Plan, ...history: readonly Order[]): { readonly when: (order: Order) => Decided } => {
  const state = stateAfter(of, history)
  return { when: (order) => decided(state, order(of), of) }
}
