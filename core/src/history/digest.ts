/**
 * A history made short enough to be compared with another: what each step, and the task as a whole, went through, and how long.
 *
 * H1  What differs between any two runs is left out: ids, instants, workers, drawn delays, who asked.
 * H2  So is what only tells how an attempt came to its worker. What an attempt came to is told by its end.
 * H3  Order counts within a step, or an operation of a durable function, alone: which of two independent ones was faster is no difference.
 * H4  A payload is kept as a text that is the same for the same content, or by its length and a sum where it is long.
 */
import type { Instant } from '../kernel/instant.js'
import { elementAt } from '../kernel/invariant.js'
import { canonicalText } from '../kernel/json-canonical.js'
import { parseJson } from '../kernel/json-scan.js'
import { type JsonText, trustedJson } from '../kernel/json.js'
import { LIMITS } from '../limits.js'
import type { Plan } from '../template/plan.js'
import type { TaskEvent } from '../task/events.js'
import { evolve } from '../task/evolve.js'
import type { RecordedTaskEvent } from '../task/recorded.js'
import { type LiveTask, NO_TASK, type StepState, type TaskState } from '../task/state.js'
import { changedSteps } from './changed-steps.js'

/** One event, as far as it can be compared. */
export interface Mark {
  readonly version: number
  readonly type: TaskEvent['type']
  readonly said: string
}

/** The subject of events that are about the task as a whole. */
const WHOLE_TASK = ''
/** Begins the subject of events that are about an operation of a durable function; no name of a step begins so. */
const OPERATION = '\u0000'

/** Whether events of this subject are about a step. */
export const isOfStep = (subject: string): boolean => subject !== WHOLE_TASK && !subject.startsWith(OPERATION)

const subjectOf = (event: TaskEvent): string => {
  if ('step' in event) return event.step
  return 'key' in event ? `${OPERATION}${'kind' in event ? event.kind : 'child'} ${event.key}` : WHOLE_TASK
}

export interface StepTimes {
  /** In queues, at keys and before retries. */
  waitingMs: number
  runningMs: number
}

export class TaskDigest {
  readonly #plan: Plan
  readonly #marks = new Map<string, Mark[]>()
  readonly #times = new Map<string, StepTimes>()
  #state: TaskState = NO_TASK
  #events = 0

  constructor(plan: Plan) {
    this.#plan = plan
  }

  /** Events in their order, from the first. */
  add(recorded: RecordedTaskEvent): void {
    const { event, at, version } = recorded
    const before = this.#state
    const after = evolve(before, event, at, this.#plan)
    this.#state = after
    this.#events++
    if (before.type === 'task' && after.type === 'task') this.#spend(before, event, after, at)
    if (MECHANICS.has(event.type) || this.isCut) return
    const subject = subjectOf(event)
    const marks = this.#marks.get(subject)
    const mark = { version, type: event.type, said: saidBy(event) }
    if (marks === undefined) this.#marks.set(subject, [mark])
    else marks.push(mark)
  }

  get task(): LiveTask | undefined {
    return this.#state.type === 'task' ? this.#state : undefined
  }

  /** Later events are folded, and compared by what they left alone. */
  get isCut(): boolean {
    return this.#events > LIMITS.diffEventsMax
  }

  /** By subject: a step, an operation, or the task as a whole. */
  get marks(): ReadonlyMap<string, readonly Mark[]> {
    return this.#marks
  }

  timesOf(step: string): StepTimes {
    return this.#times.get(step) ?? { waitingMs: 0, runningMs: 0 }
  }

  /** A status that ended gives its time to waiting or to running. */
  #spend(before: LiveTask, event: TaskEvent, after: LiveTask, at: Instant): void {
    for (const index of changedSteps(before, event, after)) {
      const [from, to] = [before.steps[index], after.steps[index]]
      if (from === undefined || from.status === to?.status) continue
      const kind = TIME_OF.get(from.status)
      if (kind === undefined) continue
      const { name } = elementAt(after.graph.steps, index, 'steps of the graph')
      const times = this.#times.get(name) ?? { waitingMs: 0, runningMs: 0 }
      times[kind] += at - from.since
      this.#times.set(name, times)
    }
  }
}

const TIME_OF: ReadonlyMap<StepState['status'], keyof StepTimes> = new Map([
  ['enqueued', 'waitingMs'],
  ['waiting_for_retry', 'waitingMs'],
  ['in_progress', 'runningMs'],
])

/** H2. */
const MECHANICS: ReadonlySet<TaskEvent['type']> = new Set([
  'step.scheduled',
  'step.admitted',
  'step.started',
  'step.released',
  'step.suspended',
  'step.result_ignored',
  'step.checkpointed',
])

/** H1. The number of an attempt is the place of its end among the ends of its step. */
const VOLATILE = new Set([
  ...['type', 'step', 'attempt', 'worker', 'dueAt', 'delayMs', 'since', 'by', 'runAt', 'correlationId', 'parentCorrelationId'],
  ...['taskId', 'parent'],
  ...['idempotencyKey', 'identity', 'initiator', 'sourceSystem', 'reason', 'metadata', 'notes', 'requestId'],
])
const PAYLOADS = new Set(['context', 'output', 'payload', 'result', 'value', 'input'])

/** How an operation ended is told as the end of a step is. */
const fieldsOf = (event: TaskEvent): object => {
  if (!('outcome' in event) || typeof event.outcome === 'string') return event
  const { outcome, ...rest } = event
  const { type, ...said } = outcome
  return { ...rest, outcome: type, ...said }
}

const saidBy = (event: TaskEvent): string =>
  Object.entries(fieldsOf(event))
    .filter(([field, value]) => !VOLATILE.has(field) && value !== undefined)
    .map(([field, value]: [string, unknown]) => `${field}: ${valueText(field, value)}`)
    .join(', ')

const valueText = (field: string, value: unknown): string => {
  if (PAYLOADS.has(field) && typeof value === 'string') return contentText(trustedJson(value))
  if (typeof value === 'object' && value !== null && 'stack' in value)
    return short(JSON.stringify({ ...value, stack: undefined }))
  return short(JSON.stringify(value))
}

/** Longer payloads are the same only where they are written alike. */
const CANONICAL_CHARS_MAX = 64 * 1024
const SAID_CHARS_MAX = 300

const contentText = (text: JsonText): string => short(text.length <= CANONICAL_CHARS_MAX ? canonicalText(parseJson(text)) : text)

/** H4. */
const short = (text: string): string =>
  text.length <= SAID_CHARS_MAX ? text : `${text.slice(0, SAID_CHARS_MAX / 2)}… (${text.length} characters, sum ${sumOf(text)})`

const FNV_PRIME = 0x01000193

/** Two 32-bit sums: a difference that both miss is as good as impossible among texts of one length that nobody made to deceive. */
const sumOf = (text: string): string => {
  let [left, right] = [0x811c9dc5, 0x2f0b4c47]
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    left = Math.imul(left ^ unit, FNV_PRIME)
    right = Math.imul(right ^ (unit + index), FNV_PRIME)
  }
  return `${(left >>> 0).toString(16)}${(right >>> 0).toString(16)}`
}
