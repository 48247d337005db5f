/** One task as its client holds it. */
import type { UpdateTaskRequest } from '@tasker/proto'
import { ulid } from 'ulid'
import type { Clock } from '../clock.js'
import { TaskBlockedError, TaskCancelledError, TaskFailedError, TaskResolvedError } from '../errors/outcome-errors.js'
import { TaskerError } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'
import type { JsonValue } from '../step/json.js'
import { jsonValue, payloadValue } from '../step/payload.js'
import { reconnectMs } from '../wire/link.js'
import type { Transport } from '../wire/transport.js'
import type { ClientSession } from './session.js'
import { signalOf } from './signal.js'
import { answerOf, updateOf } from './update.js'
import { failureOfWire, taskEvent, taskState, type TaskEvent, type TaskState } from './task-state.js'
import {
  asOfState,
  compensation,
  momentFields,
  taskDifference,
  taskExplanation,
  type Compensation,
  type Moment,
  type TaskDifference,
  type TaskExplanation,
} from './task-past.js'
import type { KnownOutcome, Watch } from './watches.js'

export interface HandlePorts {
  readonly session: ClientSession
  readonly transport: Transport
  readonly clock: Clock
  readonly onWait: OnWait
}

/** Is given the wait for a task's outcome, and gives it back, or one that ends otherwise. */
export type OnWait = <Outcome>(taskId: string, outcome: Promise<Outcome>) => Promise<Outcome>

export interface ResultOptions {
  /** Gives the waiting up; the task goes on. */
  readonly signal?: AbortSignal
}

export interface UpdateOptions extends ResultOptions {
  /** Names the update within its task: made before the first try, it makes every try the same update. */
  readonly id?: string
}

export interface EventsOptions extends ResultOptions {
  /** Only events above this version. */
  readonly afterVersion?: number
}

/** Every call of a handle may reject with a `TaskerError`. */
export class TaskHandle<Result = unknown> {
  readonly taskId: string
  /** The task was there before: a repeat, or `onDuplicate: 'return'`. */
  readonly existing: boolean
  /** Give it to `client.list` to find this task there; empty when the handle came from `client.task`. */
  readonly consistencyToken: string
  readonly #ports: HandlePorts
  readonly #watch: Watch

  constructor(ports: HandlePorts, watch: Watch, origin: { readonly existing: boolean; readonly consistencyToken: string }) {
    this.taskId = watch.taskId
    this.existing = origin.existing
    this.consistencyToken = origin.consistencyToken
    this.#ports = ports
    this.#watch = watch
  }

  /**
   * The result, when the task has it; rejects with `TaskBlockedError`, `TaskFailedError`, `TaskCancelledError` or `TaskResolvedError`. Waits as long as
   * it takes, through restarts.
   */
  async result(options: ResultOptions = {}): Promise<Result> {
    for (let failures = 0; ; failures++) {
      try {
        const { session, onWait } = this.#ports
        const outcome = await unlessAborted(onWait(this.taskId, session.outcome(this.#watch)), options.signal)
        // The definition says what its steps return; the server gives it back byte for byte.
        return resultOf(this.taskId, outcome) as Result
      } catch (error) {
        await this.#pauseAfter(error, failures)
      }
    }
  }

  /** The history from its start (or `afterVersion`), then live, until the task's end. */
  async *events(options: EventsOptions = {}): AsyncGenerator<TaskEvent, void, undefined> {
    const { transport } = this.#ports
    const signal = options.signal ?? new AbortController().signal
    let afterVersion = options.afterVersion ?? 0
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        for await (const message of transport.watch({ taskId: this.taskId, afterVersion }, signal)) {
          for (const event of message.events) {
            failures = 0
            afterVersion = event.version
            yield taskEvent(event)
          }
        }
        return
      } catch (error) {
        await this.#pauseAfter(error, failures)
      }
    }
  }

  /**
   * Hands a signal to a durable function, also one that does not wait for it yet; resolves when it is in the log. A call that is tried again, because
   * the server could not be reached, is one signal.
   */
  async signal(name: string, payload?: unknown): Promise<void> {
    const request = { taskId: this.taskId, signal: signalOf(name, payload), requestId: ulid() }
    const { transport, clock } = this.#ports
    const lastAtMs = clock.nowMs() + LIMITS.submissionMsMax
    for (let failures = 0; ; failures++) {
      try {
        await transport.signal(request)
        return
      } catch (error) {
        if (clock.nowMs() >= lastAtMs) throw error
        await this.#pauseAfter(error, failures)
      }
    }
  }

  /**
   * Asks a durable function for something, and gives its answer: what the handler of `ctx.onUpdate` gave. Rejects with `UpdateFailedError` for what it
   * threw or refused, and for a task that ends first. With the same `id` it is the same update, and has the same answer; so has one that is tried again.
   */
  async update<Answer = JsonValue>(name: string, payload?: unknown, options: UpdateOptions = {}): Promise<Answer> {
    const { onWait } = this.#ports
    const { id = ulid(), signal } = options
    const request = { ...updateOf(this.taskId, name, payload), requestId: id, waitMs: LIMITS.updateWaitMs }
    // What the handler gives, the caller says.
    return (await unlessAborted(onWait(this.taskId, this.#answer(name, request)), signal)) as Answer
  }

  /** Asked for again until there is an answer. */
  async #answer(name: string, request: UpdateTaskRequest): Promise<unknown> {
    for (let failures = 0; ; ) {
      try {
        const { outcome } = await this.#ports.transport.update(request)
        if (outcome?.$case !== 'pending') return answerOf(this.taskId, name, outcome)
        failures = 0
      } catch (error) {
        await this.#pauseAfter(error, failures++)
      }
    }
  }

  /** What a durable function shows with `ctx.setState`: all of it by name, or the value of one name; undefined when it shows none. No worker is asked. */
  shown(): Promise<{ readonly [name: string]: JsonValue }>
  shown(name: string): Promise<JsonValue | undefined>
  async shown(name?: string): Promise<unknown> {
    const { values } = await this.#ports.transport.shown({ taskId: this.taskId })
    const shown = new Map(values.map(({ key, value }) => [key, value === undefined ? null : jsonValue(value)]))
    return name === undefined ? Object.fromEntries(shown) : shown.get(name)
  }

  /** Asks for the end; resolves when the request is in the log. */
  async cancel(reason = ''): Promise<void> {
    await this.#ports.transport.cancel({ taskId: this.taskId, reason })
  }

  /** Nothing starts until the task is resumed; running steps finish. */
  async pause(reason = ''): Promise<void> {
    await this.#ports.transport.order('pause', { taskId: this.taskId, reason })
  }

  /** What became ready while the task was paused starts. */
  async resume(reason = ''): Promise<void> {
    await this.#ports.transport.order('resume', { taskId: this.taskId, reason })
  }

  /** Each failed step gets a new budget of attempts, and the task goes on by itself. */
  async retry(reason = ''): Promise<void> {
    await this.#ports.transport.order('retry', { taskId: this.taskId, reason })
  }

  /** Closes a blocked task as it is. */
  async resolve(reason = ''): Promise<void> {
    await this.#ports.transport.order('resolve', { taskId: this.taskId, reason })
  }

  /** The task and its steps now, strongly consistent, or as they were: `state({ atVersion: 12 })`. */
  async state(moment: Moment = {}): Promise<TaskState> {
    const { task, asOf } = await this.#ports.transport.get({ taskId: this.taskId, ...momentFields(moment) })
    if (task === undefined)
      throw new TaskerError({ code: 'INTERNAL', reason: 'EMPTY_ANSWER', message: 'the server gave no task' })
    return { ...taskState(task), asOf: asOfState(asOf) }
  }

  /** Why each step that does not run does not, now or as far as the log knows of a moment of the past. */
  async explain(moment: Moment = {}): Promise<TaskExplanation> {
    return taskExplanation(await this.#ports.transport.explain({ taskId: this.taskId, ...momentFields(moment) }))
  }

  /** What taking the task back would do, or does. */
  async compensation(): Promise<Compensation> {
    return compensation(await this.#ports.transport.compensation({ taskId: this.taskId }))
  }

  /** What is different about this task and another, and where they parted. */
  async diff(other: TaskHandle | string): Promise<TaskDifference> {
    const otherTaskId = typeof other === 'string' ? other : other.taskId
    return taskDifference(await this.#ports.transport.diff({ taskId: this.taskId, otherTaskId }))
  }

  // What may pass is waited for; everything else is the caller's.
  async #pauseAfter(error: unknown, failures: number): Promise<void> {
    if (!(error instanceof TaskerError && error.retryable)) throw error
    const { clock } = this.#ports
    await new Promise<void>((resolve) => void clock.after(reconnectMs(failures, clock.draw()), resolve))
  }
}

const resultOf = (taskId: string, outcome: KnownOutcome): unknown => {
  switch (outcome.$case) {
    case 'completed':
      return payloadValue(outcome.value)
    case 'cancelled':
      throw new TaskCancelledError(taskId, outcome.value.reason)
    case 'failed':
      throw new TaskFailedError(taskId, outcome.value.code, outcome.value.message)
    case 'resolvedManually':
      throw new TaskResolvedError(taskId, outcome.value.reason)
    case 'blocked': {
      const steps = outcome.value.steps.map(({ stepId, failure }) => ({ stepId, failure: failureOfWire(failure) }))
      throw new TaskBlockedError(taskId, steps)
    }
  }
}

const unlessAborted = <Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> => {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(abortReason(signal))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

const abortReason = (signal: AbortSignal): Error => {
  const reason: unknown = signal.reason
  return reason instanceof Error ? reason : new DOMException('the wait was aborted', 'AbortError')
}
