/** What may be said with an operation. */
import type { SchemaOf } from '../definition/schema.js'
import type { Duration } from '../duration.js'

/** When a failed attempt of a step is followed by another. */
export interface OperationRetry {
  /** False: the first failure is the last. */
  readonly retryable?: boolean
  /** Attempts in all, the first included. */
  readonly maxAttempts?: number
  readonly backoff?: 'none' | 'linear' | 'exponential' | 'fibonacci'
  readonly backoffBase?: Duration
  readonly maxBackoff?: Duration
  readonly jitter?: number
  /** Error classes and codes that no attempt will help. */
  readonly nonRetryableErrors?: readonly string[]
}

export interface KeyOptions {
  /** Names the operation where its name occurs many times, as in a loop over data; unique beside its name within its scope. */
  readonly key?: string
}

export interface StepOptions extends KeyOptions {
  readonly retry?: OperationRetry
  /** How long one attempt may take. */
  readonly timeout?: Duration
}

export interface CallOptions extends StepOptions {
  /** Its name in the journal; the handler's when not said. */
  readonly name?: string
  /** The longest silence of the handler between two heartbeats; without a bound when not said. */
  readonly heartbeat?: Duration
  /** How long the call may wait for a worker, each time it is ready. */
  readonly scheduleToStart?: Duration
  /** How long all attempts may take together. */
  readonly scheduleToClose?: Duration
  /** Added to the priority of the task. */
  readonly priority?: number
}

export interface ChildOptions extends KeyOptions {
  /** Its name in the journal; the child's when not said. */
  readonly name?: string
  /** What becomes of the child when this task ends before it; `cancel` when not said. */
  readonly onParentClose?: 'cancel' | 'abandon'
}

/** Of a child that is known by its name alone. */
export interface NamedChildOptions extends ChildOptions {
  /** This function's when not said. */
  readonly namespace?: string
  /** The newest when not said. */
  readonly version?: string
}

export interface SleepOptions extends KeyOptions {
  /** Its name in the journal; `sleep` when not said. */
  readonly name?: string
}

export interface SignalOptions<Payload> extends KeyOptions {
  /** How long to wait; the answer is then `undefined`. For ever when not said. */
  readonly timeout?: Duration
  /** Leaves signals that it is false for to others. Like the function itself, it looks at nothing but its argument. */
  readonly where?: (payload: Payload) => boolean
  /** What the payload must fit, and what it becomes by that. One that does not fit is taken, and the wait throws `INPUT_SCHEMA_VIOLATION`. */
  readonly schema?: SchemaOf<Payload>
}

export interface UntilOptions extends KeyOptions {
  /** Its name in the journal; `until` when not said. */
  readonly name?: string
  /** How long to wait; for ever when not said. */
  readonly timeout?: Duration
}

export interface BranchOptions {
  /** Its name in the journal; `all`, `race` or `any` when not said. */
  readonly name?: string
  /** How many branches run at a time; all when not said. */
  readonly limit?: number
}

/** What a step is told. */
export interface StepScope {
  /** Aborted when nobody waits for the step any more, and when its time is over. */
  readonly signal: AbortSignal
  /** From 1. */
  readonly attempt: number
}
