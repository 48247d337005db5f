/** What a run asks for: random graphs as templates, and submissions that their clients repeat until they are acknowledged. */
import { z } from 'zod'
import {
  durationMs,
  type Instant,
  jsonOf,
  later,
  namespaceOf,
  parseTaskId,
  type TaskId,
  taskIdFrom,
  taskIdTime,
} from '@tasker/core'
import type { Submission, SubmitAnswer } from '@tasker/server/internal/engine/api'
import type { Clock } from '@tasker/server/internal/engine/clock'
import type { Dice } from './dice.js'

export const NAMESPACE = namespaceOf('sim')
export const HANDLERS = ['h0', 'h1', 'h2'] as const

/** What templates say of identity, in turn: keys that count for ever, keys that are let go, contexts of which one runs at a time. */
export const IDENTITIES = [
  {},
  { identity: { while_running: true } },
  { identity_strategy: 'strict', identity: { while_running: true } },
]

/** A template document of 1 to 9 steps; a step depends only on earlier ones, so there is no cycle. */
export const drawTemplate = (dice: Dice, name: string, eventDice: Dice, identity: object = {}): string => {
  const count = dice.between(1, 9)
  const steps = Array.from({ length: count }, (_, index) => ({
    name: `s${index}`,
    handler: { callable: dice.pick(HANDLERS) },
    dependencies: Array.from({ length: index }, (_unused, earlier) => `s${earlier}`).filter(() => dice.chance(0.4)),
    timeout_seconds: dice.between(2, 5),
    retry: {
      retryable: true,
      max_attempts: dice.between(1, 6),
      backoff: dice.pick(['none', 'linear', 'exponential', 'fibonacci']),
      backoff_base_ms: dice.between(100, 2_000),
      max_backoff_ms: 5_000,
    },
    publishes_events: drawEvents(eventDice),
  }))
  return JSON.stringify({ name, namespace_name: NAMESPACE, version: '1.0.0', ...identity, steps })
}

/** The same document with keys at some of its steps, and turns between tenants. */
export const withKeys = (document: string, dice: Dice): string => {
  const template = z.looseObject({ steps: z.array(z.looseObject({})) }).parse(JSON.parse(document))
  const steps = template.steps.map((step) => ({
    ...step,
    ...(dice.chance(0.5) ? { concurrency: { key: dice.pick(CONCURRENCY_KEYS), limit: dice.between(1, 3) } } : {}),
    ...(dice.chance(0.2) ? { rate_limit: { key: 'api', limit: dice.between(1, 4), per: dice.between(1, 5) } } : {}),
    priority: dice.between(-100, 100),
  }))
  return JSON.stringify({ ...template, fairness_key: '${context.tenant}', steps })
}

const CONCURRENCY_KEYS = ['shared', 'tenant-${context.tenant}', 'missing-${context.nothing}'] as const

/** Half of the steps tell something; every third event has a schema that no result fits. */
const drawEvents = (dice: Dice): readonly object[] =>
  dice.chance(0.5)
    ? []
    : CONDITIONS.filter(() => dice.chance(0.5)).map((condition) => ({
        name: `told.${condition}`,
        condition,
        delivery_mode: dice.pick(['durable', 'durable', 'broadcast', 'fast']),
        ...(dice.chance(0.33) ? { schema: { type: 'string', const: 'never' } } : {}),
      }))

const CONDITIONS = ['success', 'failure', 'retryable_failure', 'permanent_failure', 'always'] as const

/** The same document with times at some of its steps, and a watch over the whole. */
export const withTimes = (document: string, dice: Dice): string => {
  const template = z.looseObject({ steps: z.array(z.looseObject({})) }).parse(JSON.parse(document))
  const steps = template.steps.map((step) => ({
    ...step,
    ...(dice.chance(0.3) ? { heartbeat_seconds: 1 } : {}),
    ...(dice.chance(0.15) ? { schedule_to_start_seconds: dice.between(5, 60) } : {}),
    ...(dice.chance(0.15) ? { schedule_to_close_seconds: dice.between(10, 60) } : {}),
  }))
  return JSON.stringify({ ...template, ...(dice.chance(0.5) ? { lifecycle: drawLifecycle(dice) } : {}), steps })
}

const drawLifecycle = (dice: Dice): object => ({
  max_waiting_for_dependencies_minutes: 1,
  max_waiting_for_retry_minutes: 1,
  max_steps_in_process_minutes: 1,
  ...(dice.chance(0.5) ? { max_duration_minutes: dice.between(1, 3) } : {}),
  ...(dice.chance(0.3) ? { max_blocked_by_failures_minutes: dice.between(1, 3) } : {}),
  staleness_action: dice.pick(['dlq', 'error', 'none']),
})

export interface ClientParts {
  readonly clock: Clock
  readonly dice: Dice
  /** One call to the server there is; nothing is heard when there is none, or when call or answer are lost. */
  readonly submit: (
    submission: Submission,
    answered: (answer: SubmitAnswer) => void,
    hear: (answer: SubmitAnswer) => void,
  ) => void
  readonly acknowledged: (taskId: TaskId) => void
  readonly violated: (what: string) => void
  /** Its template lets go of identities: a request that was answered with another's task may be answered with a later one. */
  readonly letsGo: boolean
  /** How long after its submission the task is to begin; at once when undefined. */
  readonly waitMs: number | undefined
}

/** How long a client waits for an answer before it asks again with the same request. */
const PATIENCE_MS = durationMs(4_000)

/** Submits one task, as often as it takes; a task that the request made is named by every answer after. */
export const submitUntilAcknowledged = (name: string, key: string | undefined, parts: ClientParts): void => {
  const { clock, dice, submit, acknowledged, violated, letsGo, waitMs } = parts
  const requestId = taskIdFrom(clock.now(), dice.bytes(10))
  const runAt = waitMs === undefined ? undefined : later(clock.now(), durationMs(waitMs))
  const submission = submissionOf(name, requestId, key, runAt)
  let given: TaskId | undefined
  let isHeard = false
  // Looked at where it leaves the server: on the way answers overtake each other.
  const answered = (answer: SubmitAnswer): void => {
    if (answer.type === 'failed') return
    const taskId = parseTaskId(answer.taskId)
    if (taskId === undefined) return violated(`I8 no task id: ${answer.taskId}`)
    const mayMoveOn = letsGo && given !== undefined && !isMadeBy(requestId, given)
    if (given !== undefined && given !== taskId && !mayMoveOn)
      violated(`I8 request ${requestId} made two tasks: ${given} and ${taskId}`)
    given = taskId
  }
  const hear = (answer: SubmitAnswer): void => {
    const taskId = answer.type === 'failed' ? undefined : parseTaskId(answer.taskId)
    if (isHeard || taskId === undefined) return
    isHeard = true
    acknowledged(taskId)
  }
  const ask = (): void => {
    if (isHeard) return
    submit(submission, answered, hear)
    // Sometimes two at once, as an impatient client would.
    if (dice.chance(0.1)) submit(submission, answered, hear)
    clock.after(PATIENCE_MS, ask)
  }
  ask()
}

/** A task has the moment of the request that made it. */
const isMadeBy = (requestId: TaskId, taskId: TaskId): boolean => taskIdTime(requestId) === taskIdTime(taskId)

const submissionOf = (name: string, requestId: string, key: string | undefined, runAt: Instant | undefined): Submission => ({
  requestId,
  namespace: NAMESPACE,
  name,
  version: undefined,
  // A key comes with one context always; without one there are some, so that a strict template has more than one task.
  context: jsonOf({ name, tenant: Number.parseInt((key ?? requestId).slice(-1), 32) % 3 }),
  actor: 'client',
  initiator: undefined,
  sourceSystem: undefined,
  reason: undefined,
  tags: [],
  priority: undefined,
  correlationId: undefined,
  parentCorrelationId: undefined,
  idempotencyKey: key,
  runAt,
  onDuplicate: 'return',
})
