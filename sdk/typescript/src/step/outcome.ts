/** What a handler may return beside a plain value: a result with metadata, a failure without a throw, a decision, batches. */
import { durationMs, type Duration } from '../duration.js'
import { failureOf, type Failure } from '../errors/failure.js'
import type { JsonObject, JsonValue } from './json.js'

/** A mark that no value of a user has by chance, and that two copies of this library share. */
const SAID: unique symbol = Symbol.for('tasker.outcome')

export interface Success<Result = unknown> {
  readonly [SAID]: true
  readonly type: 'success'
  readonly result: Result
  readonly metadata: JsonObject | undefined
}

export interface Failed {
  readonly [SAID]: true
  readonly type: 'failure'
  readonly failure: Failure
  readonly metadata: JsonObject | undefined
}

/** Which steps a decision creates; none: it creates nothing. */
export interface Decision {
  readonly [SAID]: true
  readonly type: 'decision'
  readonly steps: readonly string[]
  /** Why it creates nothing; empty when not said. */
  readonly reason: string
  readonly result: unknown
  /** The same decision with another result of its step. */
  withResult(result: unknown): Decision
}

/** One range of a batchable step: what it means, only analyzer and workers know. */
export interface BatchRange {
  /** Ends the name of the batch's worker, `{template}_{id}`; `001`, `002` … when not given. */
  readonly id?: string
  /** The first place, included. */
  readonly start: JsonValue
  /** The place behind the last. */
  readonly end: JsonValue
  /** How many items lie between them. */
  readonly size?: number
}

/** The batches an analyzer asks for; no ranges: one worker that has nothing to do, so that what waits for the batches goes on. */
export interface Batches {
  readonly [SAID]: true
  readonly type: 'batches'
  readonly ranges: readonly BatchRange[]
  readonly totalItems: number
  /** Why there are none; empty when not said. */
  readonly reason: string
  readonly result: unknown
  /** The same batches with another result of the analyzer's step. */
  withResult(result: unknown): Batches
}

export type MayBeLater<Value> = Value | Promise<Value>

export type StepOutcome = Success | Failed | Decision | Batches

/** A result with what people may want to know beside it; the metadata stands in the event, other steps do not see it. */
export const success = <Result>(result: Result, metadata?: JsonObject): Success<Result> => ({
  [SAID]: true,
  type: 'success',
  result,
  metadata,
})

/** The error types of the original Tasker; any other text is one too. */
export const ERROR_TYPES = {
  permanent: 'permanent_error',
  retryable: 'retryable_error',
  validation: 'validation_error',
  timeout: 'timeout',
  handler: 'handler_error',
} as const

export interface FailureOptions {
  /** One of `ERROR_TYPES` or your own; `handler_error` when not said. Named by `non_retryable_errors` like a code. */
  readonly errorType?: string
  readonly code?: string
  /** Whether another attempt may help: yes, when not said. */
  readonly retryable?: boolean
  /** The least delay before the next attempt. */
  readonly retryAfter?: Duration
  readonly metadata?: JsonObject
}

/** A failure that is returned instead of thrown. */
export const failure = (message: string, options: FailureOptions = {}): Failed => ({
  [SAID]: true,
  type: 'failure',
  failure: {
    ...failureOf(options.code ?? '', message, options.retryable ?? true),
    errorType: options.errorType ?? ERROR_TYPES.handler,
    retryAfterMs: options.retryAfter === undefined ? 0 : durationMs(options.retryAfter),
  },
  metadata: options.metadata,
})

type Plain<Outcome> = Omit<Outcome, 'type' | 'withResult' | typeof SAID>

export const decisionOf = (said: Plain<Decision>): Decision => ({
  ...said,
  [SAID]: true,
  type: 'decision',
  withResult: (result) => decisionOf({ ...said, result }),
})

export const batchesOf = (said: Plain<Batches>): Batches => ({
  ...said,
  [SAID]: true,
  type: 'batches',
  withResult: (result) => batchesOf({ ...said, result }),
})

export const isOutcome = (value: unknown): value is StepOutcome => typeof value === 'object' && value !== null && SAID in value
