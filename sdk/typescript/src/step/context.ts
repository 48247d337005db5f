/** What a handler is given: its input, the results it depends on, and the ways to report and to hear. */
import type { Api } from '../api/api.js'
import type { Logger } from '../logger.js'
import type { JsonObject, JsonValue } from './json.js'
import type { Batches, BatchRange, Decision } from './outcome.js'

export interface StepContext<Input = JsonObject, Deps = object, Config = JsonObject> {
  /** The task's context; the schema's output where the definition has a schema. */
  readonly input: Input
  /** `handler.initialization` of the template. */
  readonly config: Config
  /** Results by step name: of the steps named in `after`, or of all ancestors where the template says so (YAML). */
  readonly deps: Deps
  /** From 1; a number is never used twice in a step, resets included. */
  readonly attempt: number
  readonly isRetry: boolean
  /** No attempt follows if this one fails. */
  readonly isLastAttempt: boolean
  /** Retries since the step was scheduled or reset: 0 in the first attempt. */
  readonly retryCount: number
  /** How many retries the policy allows in all. */
  readonly maxRetries: number
  /** The range of a batch worker; nothing in other steps. */
  readonly batch: Batch | undefined
  /** What this step saved last with `checkpoint`, in this attempt or in one before it. */
  readonly cursor: SavedCursor | undefined
  /** What the step gave, where this handler is to take it back; nothing in every other handler. */
  readonly compensates: Compensates | undefined
  /** Says that the handler is alive, with what people may want to see of its progress. Cheap: only the last of a moment is sent. */
  readonly heartbeat: (progress?: JsonValue) => void
  /** How long, in milliseconds, the handler may be silent before its attempt is given up; nothing where the step has no such limit. */
  readonly heartbeatMs: number | undefined
  /**
   * Gives the payload of a domain event that the step's template declares, in the place of the result; told with the result, if its condition speaks of
   * it. Throws when the step declares no such event.
   */
  readonly publish: (name: string, payload: JsonValue, metadata?: JsonObject) => void
  /** Aborted when the attempt is cancelled, timed out or taken away, or the worker stops. Give it to `fetch` and friends. */
  readonly signal: AbortSignal
  /** HTTP calls that end with the attempt, and whose statuses become the right kind of error. */
  readonly api: Api
  /** The worker's logger with the ids of this attempt. */
  readonly logger: Logger
  readonly taskId: string
  readonly stepId: string
  readonly correlationId: string
  /** One field of the input; nothing when there is no such field. */
  readonly getInput: (name: string) => JsonValue | undefined
  /** The same, and `fallback` where the field is missing or null. */
  readonly getInputOr: <Fallback>(name: string, fallback: Fallback) => JsonValue | Fallback
  readonly getConfig: (name: string) => JsonValue | undefined
  /** The result of one step it depends on; nothing when there is none. `deps` has the same with its types. */
  readonly getDependencyResult: (step: string) => JsonValue | undefined
  /** A place inside such a result, such as `('load', 'order', 'lines', 0)`; nothing when there is no such place. */
  readonly getDependencyField: (step: string, ...path: readonly (string | number)[]) => JsonValue | undefined
  /** The results of all steps whose names begin so, in the order of the steps: those of a batch's workers by the name of their template. */
  readonly getAllDependencyResults: (prefix: string) => readonly JsonValue[]
}

/** A completed step that is taken back: `input` and `deps` are those it had. */
export interface Compensates {
  readonly result: JsonValue
}

/** The part of the work that one batch worker does. */
export interface Batch {
  readonly id: string
  /** From 0, in the order the analyzer said. */
  readonly index: number
  /** The first place, included. */
  readonly start: JsonValue
  /** The place behind the last. */
  readonly end: JsonValue
  /** Items in the range, as far as the analyzer knew. */
  readonly size: number | undefined
  /** How many workers the batch has. */
  readonly count: number
  /** The step of the template that this worker is made from. */
  readonly workerTemplate: string
  /** There is nothing to do: the analyzer found no batches, and this worker stands for all of them. */
  readonly isNoOp: boolean
}

/** What a batch worker saves, and finds again after a failure or a dead worker. */
export interface SavedCursor {
  /** Where to go on. */
  readonly cursor: JsonValue
  /** How many items are done, in all attempts. */
  readonly itemsProcessed: number
  /** What was gathered so far; null when nothing. */
  readonly accumulated: JsonValue
}

/** What the handler of a decision has beside the members of `StepContext`. */
export interface DecisionContext {
  /** Creates these steps, and what follows from them. */
  readonly route: (...steps: readonly string[]) => Decision
  /** Creates none of them. */
  readonly skip: (reason?: string) => Decision
}

/** What the template allows a batch; never said by the caller of a task. */
export interface BatchLimits {
  readonly workerTemplate: string
  /** Items a worker is meant to take; nothing when the template does not say. */
  readonly batchSize: number | undefined
  readonly maxWorkers: number | undefined
  readonly parallelism: number | undefined
}

/** What the handler of a batchable step has beside the members of `StepContext`. */
export interface BatchAnalyzerContext {
  readonly batchLimits: BatchLimits
  /** One worker for each range. */
  readonly batches: (ranges: readonly BatchRange[], options?: { readonly totalItems?: number }) => Batches
  /** There is nothing to do: one worker that does nothing, and what waits for the batches goes on. */
  readonly noBatches: (reason?: string) => Batches
}

/** What a batch worker has beside the members of `StepContext`. */
export interface BatchWorkerContext {
  readonly batch: Batch
  /**
   * Saves how far the work is, and resolves when that is durable; the attempt goes on and none is spent. Rejects when the attempt is not this
   * worker's any more, and then there is no use in going on.
   */
  readonly checkpoint: (progress: Checkpoint) => Promise<void>
}

/** What `checkpoint` saves. */
export interface Checkpoint {
  readonly cursor: JsonValue
  /** As it was, when not said. */
  readonly itemsProcessed?: number
  /** As it was, when not said. */
  readonly accumulated?: JsonValue
}
