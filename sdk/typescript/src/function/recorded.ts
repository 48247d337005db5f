/** The events of a task, as every door shows them, read as the history of its durable function. */
import type { JournalEntry, JournalFact, Outcome, UpdateOutcome } from '../durable/entries.js'
import type { Failure } from '../errors/failure.js'
import { TaskerError } from '../errors/tasker-error.js'

/** What is known of a task that runs a durable function. */
export interface FunctionHistory {
  readonly taskId: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** Counts how often it went on from its beginning; 1 when not said. `startedAt`, `input` and `journal` are those of this life. */
  readonly life?: number
  readonly input: unknown
  readonly journal: readonly JournalEntry[]
}

/** An event as `tasker task history --json` prints it and `handle.events()` gives it. */
export interface RecordedEvent {
  /** Not in what `handle.events()` gives. */
  readonly task_id?: string
  readonly type: string
  readonly at: string | Date
  readonly data: unknown
}

/** The events of a task with its id, where they do not say it themselves. */
export interface RecordedTask {
  readonly taskId: string
  readonly events: readonly RecordedEvent[]
}

export type AnyHistory = FunctionHistory | RecordedTask | readonly RecordedEvent[]

/** Throws `NO_HISTORY` for what is not the events of a task from its first. */
export const historyOf = (given: AnyHistory): FunctionHistory => {
  if ('journal' in given) return given
  if ('events' in given) return fromEvents(given.taskId, given.events)
  return fromEvents(given[0]?.task_id, given)
}

type Data = Readonly<Record<string, unknown>>

const fromEvents = (taskId: string | undefined, events: readonly RecordedEvent[]): FunctionHistory => {
  const [first] = events
  if (first?.type !== 'task.submitted') throw noHistory('it does not begin with task.submitted')
  if (taskId === undefined) throw noHistory('it does not say the id of its task')
  let history = { taskId, life: 1, startedAt: instantOf(first), input: dataOf(first)['context'], journal: [] as JournalEntry[] }
  const calls: Calls = new Map()
  for (const event of events) {
    const data = dataOf(event)
    const at = instantOf(event)
    if (event.type === 'function.continued') {
      const unread = new Set(Array.isArray(data['unread']) ? data['unread'] : [])
      const journal = history.journal.filter((entry) => staysUnread(entry, unread, history.journal))
      history = { taskId, life: history.life + 1, startedAt: at, input: data['input'], journal }
    }
    const facts = event.type.startsWith('step') ? stepFacts(event.type, data, calls) : [factOf(event.type, data)]
    for (const fact of facts) if (fact !== undefined) history.journal.push({ ...fact, at })
  }
  return history
}

/** By step, the keys of the calls that are open. */
type Calls = Map<string, string>

const RUN_STEP = 'run'

/** A call is a step of the task; the step `run` is the function itself. */
const stepFacts = (type: string, data: Data, calls: Calls): readonly JournalFact[] => {
  if (type === 'steps.created') return callsStarted(data, calls)
  const step = textOf(data['step_id'])
  if (step === RUN_STEP) return type === 'step.completed' ? [{ type: 'function.ended' }] : []
  const key = calls.get(step)
  const outcome = key === undefined ? undefined : callOutcome(type, data)
  if (key === undefined || outcome === undefined) return []
  calls.delete(step)
  return [{ type: 'call.ended', key, outcome }]
}

const callsStarted = ({ segment, steps, calls: made }: Data, calls: Calls): readonly JournalFact[] => {
  if (segment !== 'calls' || !Array.isArray(steps) || !Array.isArray(made)) return []
  return made.filter(isData).map((call, index) => {
    const key = textOf(call['key'])
    calls.set(textOf(steps[index]), key)
    return { type: 'call.started', key, target: textOf(call['handler']) }
  })
}

/** How the step of a call ended; undefined while another attempt may follow. */
const callOutcome = (type: string, data: Data): Outcome | undefined => {
  switch (type) {
    case 'step.completed':
    case 'step.completed_manually':
      return { type: 'succeeded', result: jsonText(data['output']) }
    case 'step.resolved_manually':
      return { type: 'succeeded', result: 'null' }
    case 'step.cancelled':
      return { type: 'cancelled' }
    case 'step.failed':
      return data['permanent'] === true ? { type: 'failed', failure: failureOf(data['failure']) } : undefined
    case 'step.timed_out':
      return data['permanent'] === true ? { type: 'failed', failure: timedOut(data) } : undefined
    default:
      return undefined
  }
}

/** Signals that nobody took, and updates that were not answered: the function never saw them. */
const staysUnread = (entry: JournalEntry, unread: ReadonlySet<unknown>, journal: readonly JournalEntry[]): boolean => {
  if (entry.type === 'signal.received') return unread.has(entry.number)
  if (entry.type !== 'update.received') return false
  return !journal.some((other) => other.type === 'update.answered' && other.id === entry.id)
}

/** Undefined for what a function does not see. That it failed is not an end that it must come to: what it asked for may have been refused. */
const factOf = (type: string, data: Data): JournalFact | undefined => {
  const key = textOf(data['key'])
  switch (type) {
    case 'effect.recorded':
      return effectOf(key, data)
    case 'timer.started':
      return { type, kind: timerKind(data), key, dueAt: Date.parse(textOf(data['due_at'])) }
    case 'timer.fired':
    case 'timer.cancelled':
      return { type, kind: timerKind(data), key }
    case 'signal.received':
      return { type, number: Number(data['number']), name: textOf(data['name']), payload: jsonText(data['payload']) }
    case 'update.received':
      return { type, id: textOf(data['id']), name: textOf(data['name']), payload: jsonText(data['payload']) }
    case 'update.answered':
      return { type, id: textOf(data['id']), outcome: answerOf(data) }
    case 'task.cancel_requested':
      return { type, reason: textOf(data['reason']) }
    case 'child.started':
      return { type, key, target: textOf(data['name']) }
    case 'child.ended':
      return { type, key, outcome: outcomeOf(data) }
    default:
      return undefined
  }
}

/** In the words of the server, by what ran out. */
const TIMEOUTS: Readonly<Record<string, readonly [code: string, retryable: boolean, what: string]>> = {
  start_to_close: ['STEP_TIMED_OUT', true, 'The attempt ran longer than'],
  heartbeat: ['HEARTBEAT_TIMED_OUT', true, 'The handler gave no sign of life for'],
  schedule_to_start: ['SCHEDULE_TO_START_TIMED_OUT', false, 'No worker took the step for'],
  schedule_to_close: ['SCHEDULE_TO_CLOSE_TIMED_OUT', false, 'All attempts together took longer than'],
}

const timedOut = ({ kind, timeout_ms: timeoutMs }: Data): Failure => {
  const [code, retryable, what] = TIMEOUTS[textOf(kind)] ?? ['STEP_TIMED_OUT', true, 'The attempt ran longer than']
  return { message: `${what} ${Number(timeoutMs)} ms.`, errorType: 'StepTimedOut', code, retryable, retryAfterMs: 0, stack: '' }
}

const effectOf = (key: string, data: Data): JournalFact => {
  const type = 'effect.recorded'
  const kind = data['kind']
  if (kind === 'patch') return { type, kind, key }
  if (kind === 'state') return { type, kind, key, value: jsonText(data['value']) }
  return { type, kind: kind === 'send' ? kind : 'step', key, outcome: outcomeOf(data) }
}

const outcomeOf = ({ outcome, result, failure }: Data): Outcome => {
  if (outcome === 'failed') return { type: 'failed', failure: failureOf(failure) }
  return outcome === 'cancelled' ? { type: 'cancelled' } : { type: 'succeeded', result: jsonText(result) }
}

const answerOf = ({ outcome, result, failure }: Data): UpdateOutcome => {
  if (outcome === 'failed' || outcome === 'refused') return { type: outcome, failure: failureOf(failure) }
  return { type: 'succeeded', result: jsonText(result) }
}

const failureOf = (shown: unknown): Failure => {
  const data = isData(shown) ? shown : {}
  return {
    message: textOf(data['message']),
    errorType: textOf(data['error_type']),
    code: textOf(data['code']),
    retryable: data['retryable'] === true,
    retryAfterMs: Number(data['retry_after_ms'] ?? 0),
    stack: textOf(data['stack']),
  }
}

const timerKind = ({ kind }: Data): 'timer' | 'signal' => (kind === 'signal' ? 'signal' : 'timer')

const instantOf = ({ at }: RecordedEvent): number => new Date(at).getTime()

const isData = (value: unknown): value is Data => typeof value === 'object' && value !== null

const dataOf = ({ data }: RecordedEvent): Data => (isData(data) ? data : {})

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What a reader parsed; JSON has no undefined. */
const jsonText = (value: unknown): string => JSON.stringify(value ?? null)

const noHistory = (why: string): TaskerError =>
  new TaskerError({
    code: 'INVALID_INPUT',
    reason: 'NO_HISTORY',
    message: `this is not the history of a task: ${why}`,
    hint: 'give all events of the task, as `tasker task history --json` prints them',
  })
