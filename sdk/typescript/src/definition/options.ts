/** What a step may ask for beside its handler. */
import type { Duration } from '../duration.js'
import type { OrderOptions } from './keys.js'
import type { StepContext } from '../step/context.js'
import type { JsonObject } from '../step/json.js'
import type { Schema } from './schema.js'

/** When a failed attempt is followed by another; what is not said is the server's default. */
export interface RetryOptions {
  /** False: the first failure is the last. */
  readonly retryable?: boolean
  /** Attempts in all, the first included. */
  readonly maxAttempts?: number
  readonly backoff?: 'none' | 'linear' | 'exponential' | 'fibonacci'
  /** The delay the backoff starts from. */
  readonly backoffBase?: Duration
  /** The longest delay. */
  readonly maxBackoff?: Duration
  /** Spread of the delay, 0 to 1: 0.15 draws between 85 % and 115 %. */
  readonly jitter?: number
  /** Error classes and codes that no attempt will help. */
  readonly nonRetryableErrors?: readonly string[]
}

/** A domain event that the results of a step tell; see the guide to domain events. */
export interface PublishedEventOptions {
  /** Dotted, such as `card.charged`. */
  readonly name: string
  readonly description?: string
  /** `success` when not said. */
  readonly condition?: 'success' | 'failure' | 'retryable_failure' | 'permanent_failure' | 'always'
  /** `durable` when not said. */
  readonly delivery?: 'durable' | 'fast' | 'broadcast'
  /** JSON Schema of the payload. */
  readonly schema?: JsonObject
  /** The name of a publisher of the worker. */
  readonly publisher?: string
}

/** How a completed step is taken back. */
export interface CompensateOptions {
  /** `context.compensates.result` is what the step gave; `input` and `deps` are those it had. */
  readonly handler: (context: StepContext) => unknown
  readonly retry?: Pick<RetryOptions, 'retryable' | 'maxAttempts' | 'backoff' | 'backoffBase' | 'maxBackoff'>
  /** How long one attempt may take; 60 s when not said. */
  readonly timeout?: Duration
}

export interface StepOptions<After extends readonly string[] = readonly string[]> extends OrderOptions {
  /** The steps this one waits for; their results are its `deps`. */
  readonly after?: After
  readonly retry?: RetryOptions
  /** How long one attempt may take; 60 s when not said. */
  readonly timeout?: Duration
  /** How long its handler may be silent: it calls `ctx.heartbeat()` more often than that. No limit when not said. */
  readonly heartbeat?: Duration
  /** How long it may wait for a worker; then it has failed for good. No limit when not said. */
  readonly scheduleToStart?: Duration
  /** How long all its attempts may take together, waits included; then it has failed for good. No limit when not said. */
  readonly scheduleToClose?: Duration
  /** What its results tell the world outside. */
  readonly publishes?: readonly PublishedEventOptions[]
  /**
   * What the step returns must fit; the server checks it, and a result that does not fit fails the step for good. Any Standard Schema that
   * can be told as JSON Schema.
   */
  readonly result?: Schema
  readonly description?: string
  /** A CEL expression over `context`, `deps` and `task`: where it is false the step is skipped, and its result is null. */
  readonly when?: string
  /** How many of the steps in `after` it waits for; all of them when not said. */
  readonly join?: 'all' | 'any' | number
  /** Once a join has enough, the others are cancelled, unless another step waits for them. */
  readonly cancelRemaining?: boolean
  /** What a permanent failure means: the task waits for a person (when not said), goes on without the step, or is taken back. */
  readonly onFailure?: 'block' | 'continue' | 'compensate'
  /** The way back: a handler alone, or with a policy of its own. */
  readonly compensate?: CompensateOptions['handler'] | CompensateOptions
}

/** Of a step whose work is a durable function. Its `timeout` is that of one task of the function; none when it is not said. */
export interface FunctionWorkOptions<After extends readonly string[] = readonly string[]>
  extends Omit<StepOptions<After>, 'heartbeat'> {
  /** What the function is given; the task's input when not said. A text such as `'${deps.charge.total}'` becomes the value of its expression. */
  readonly input?: JsonObject
}

export interface DecisionOptions<After extends readonly string[], Branch extends string> extends StepOptions<After> {
  /** The steps it may choose; they are defined after it, and name it in their `after`. */
  readonly branches: readonly Branch[]
}

export interface BatchOptions<After extends readonly string[] = readonly string[]> extends StepOptions<After> {
  /** Items that a worker is meant to take; `batchLimits.batchSize` of the function that splits. */
  readonly size?: number
  /** How many workers there may be; ranges beyond that are joined with their neighbours. */
  readonly maxWorkers?: number
  /** How many workers run at a time. */
  readonly parallelism?: number
  /** What a failed batch does to the others; `continue_on_failure` when not said. */
  readonly failureStrategy?: 'continue_on_failure' | 'fail_fast' | 'isolate'
}

/** When two submissions mean the same task. An idempotency key always counts. */
export interface IdentityOptions {
  /**
   * What counts for a submission without a key: `strict`, the same input is the same task; `callerProvided`, a key must be given;
   * `alwaysUnique`, it is a task of its own, which is so when not said.
   */
  readonly strategy?: 'strict' | 'callerProvided' | 'alwaysUnique'
  /** The identity is free again so long after the submission; for ever when not said. */
  readonly window?: Duration
  /** The identity is free again when the task is over. */
  readonly whileRunning?: boolean
}

export interface TaskOptions<S> extends OrderOptions {
  readonly namespace: string
  /** Semver, such as `1.0.0`. A version is fixed once it is registered. */
  readonly version: string
  /** Any Standard Schema (zod, valibot, arktype …) of the input. */
  readonly input?: S
  /** Whose turn a task's steps take in queues: a text with expressions over `context` and `task`, such as `${context.tenant}`. */
  readonly fairnessKey?: string
  readonly identity?: IdentityOptions
  readonly description?: string
}
