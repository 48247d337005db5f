/** The template document of a definition: what the server registers. Bodies stay in the worker. */
import { durationMs } from '../duration.js'
import type { JsonObject } from '../step/json.js'
import { type OrderDocument, orderFields } from './keys.js'
import type {
  BatchOptions,
  CompensateOptions,
  IdentityOptions,
  PublishedEventOptions,
  RetryOptions,
  StepOptions,
  TaskOptions,
} from './options.js'
import { inputJsonSchema, resultJsonSchema, type Schema } from './schema.js'

export type StepType = 'decision' | 'deferred_convergence' | 'batchable' | 'batch_worker' | 'function'

/** What the builder knows of a step when the document is written. */
export interface StepOutline {
  readonly name: string
  readonly type: StepType | undefined
  readonly options: StepOptions &
    Omit<BatchOptions, keyof StepOptions> & { readonly branches?: readonly string[]; readonly input?: JsonObject }
  /** The function that is its work. */
  readonly work?: { readonly name: string; readonly version: string }
}

export interface StepDocument extends OrderDocument {
  readonly name: string
  readonly description?: string
  /** `standard` when it is left out. */
  readonly type?: StepType
  readonly handler: { readonly callable: string; readonly initialization?: JsonObject }
  readonly batch_config?: { readonly parallelism?: number; readonly failure_strategy?: string }
  readonly dependencies: readonly string[]
  readonly retry?: {
    readonly retryable?: boolean
    readonly max_attempts?: number
    readonly backoff?: string
    readonly backoff_base_ms?: number
    readonly max_backoff_ms?: number
  }
  readonly jitter?: number
  readonly non_retryable_errors?: readonly string[]
  readonly timeout_seconds?: number
  readonly heartbeat_seconds?: number
  readonly schedule_to_start_seconds?: number
  readonly schedule_to_close_seconds?: number
  readonly publishes_events?: readonly JsonObject[]
  readonly result_schema?: JsonObject
  readonly when?: string
  readonly join?: string | number
  readonly cancel_remaining?: boolean
  readonly on_failure?: string
  readonly compensate?: {
    readonly handler: { readonly callable: string; readonly method: string }
    readonly retry?: StepDocument['retry']
    readonly timeout_seconds?: number
  }
}

/** A template in the format of the YAML files, as JSON. */
export interface TemplateDocument extends OrderDocument {
  readonly name: string
  readonly namespace_name: string
  readonly version: string
  readonly description?: string
  /** The steps of a definition see the results of the steps named in `after` and no others. */
  readonly dependency_scope: 'direct'
  readonly input_schema?: JsonObject
  readonly fairness_key?: string
  readonly identity_strategy?: 'strict' | 'caller_provided' | 'always_unique'
  readonly identity?: { readonly window_seconds?: number; readonly while_running?: boolean }
  readonly steps: readonly StepDocument[]
}

/** Where a definition's step is addressed: `name@version/step`. */
export const stepAddress = (task: string, version: string, step: string): string => `${task}@${version}/${step}`

export const templateOf = (name: string, options: TaskOptions<Schema>, steps: readonly StepOutline[]): TemplateDocument => {
  const inputSchema = options.input === undefined ? undefined : inputJsonSchema(options.input)
  return {
    name,
    namespace_name: options.namespace,
    version: options.version,
    ...(options.description === undefined ? {} : { description: options.description }),
    dependency_scope: 'direct',
    ...(inputSchema === undefined ? {} : { input_schema: inputSchema }),
    ...(options.fairnessKey === undefined ? {} : { fairness_key: options.fairnessKey }),
    ...orderFields(options),
    ...(options.identity === undefined ? {} : identityFields(options.identity)),
    steps: steps.map((step) => stepDocument(stepAddress(name, options.version, step.name), step)),
  }
}

const stepDocument = (callable: string, { name, type, options, work }: StepOutline): StepDocument => ({
  name,
  ...(options.description === undefined ? {} : { description: options.description }),
  ...(type === undefined ? {} : { type }),
  handler:
    work === undefined
      ? type === 'batchable'
        ? { callable, initialization: rangeLimits(name, options) }
        : { callable }
      : { callable: `${work.name}@${work.version}`, ...(options.input === undefined ? {} : { initialization: options.input }) },
  ...(type === 'batch_worker' ? { batch_config: batchConfig(options) } : {}),
  dependencies: options.after ?? [],
  ...(options.retry === undefined ? {} : retryFields(options.retry)),
  ...timeFields(options),
  ...orderFields(options),
  ...(options.publishes === undefined ? {} : { publishes_events: options.publishes.map(publishedEvent) }),
  // Of a batch the workers return results; what splits it returns ranges.
  ...(options.result === undefined || type === 'batchable' ? {} : { result_schema: resultJsonSchema(options.result, name) }),
  ...conditionFields(options),
  ...(options.compensate === undefined ? {} : { compensate: compensateDocument(callable, options.compensate) }),
})

const timeFields = ({ timeout, heartbeat, scheduleToStart, scheduleToClose }: StepOutline['options']): Partial<StepDocument> => ({
  ...(timeout === undefined ? {} : { timeout_seconds: durationMs(timeout) / 1_000 }),
  ...(heartbeat === undefined ? {} : { heartbeat_seconds: durationMs(heartbeat) / 1_000 }),
  ...(scheduleToStart === undefined ? {} : { schedule_to_start_seconds: durationMs(scheduleToStart) / 1_000 }),
  ...(scheduleToClose === undefined ? {} : { schedule_to_close_seconds: durationMs(scheduleToClose) / 1_000 }),
})

const STRATEGIES = { strict: 'strict', callerProvided: 'caller_provided', alwaysUnique: 'always_unique' } as const

const identityFields = ({
  strategy,
  window,
  whileRunning,
}: IdentityOptions): Pick<TemplateDocument, 'identity_strategy' | 'identity'> => ({
  ...(strategy === undefined ? {} : { identity_strategy: STRATEGIES[strategy] }),
  ...(window === undefined && whileRunning === undefined
    ? {}
    : {
        identity: {
          ...(window === undefined ? {} : { window_seconds: durationMs(window) / 1_000 }),
          ...(whileRunning === undefined ? {} : { while_running: whileRunning }),
        },
      }),
})

/** The analyzer of a batch is called after its workers. */
export const analyzerOf = (batch: string): string => `${ANALYZER_PREFIX}${batch}`
const ANALYZER_PREFIX = 'split_'

const rangeLimits = (analyzer: string, { size, maxWorkers }: StepOutline['options']): JsonObject => ({
  worker_template_name: analyzer.slice(ANALYZER_PREFIX.length),
  ...(size === undefined ? {} : { batch_size: size }),
  ...(maxWorkers === undefined ? {} : { max_workers: maxWorkers }),
})

const batchConfig = ({ parallelism, failureStrategy }: StepOutline['options']): NonNullable<StepDocument['batch_config']> => ({
  ...(parallelism === undefined ? {} : { parallelism }),
  ...(failureStrategy === undefined ? {} : { failure_strategy: failureStrategy }),
})

const publishedEvent = ({ delivery, ...event }: PublishedEventOptions): JsonObject =>
  delivery === undefined ? event : { ...event, delivery_mode: delivery }

const conditionFields = ({ when, join, cancelRemaining, onFailure }: StepOptions): Partial<StepDocument> => ({
  ...(when === undefined ? {} : { when }),
  ...(join === undefined ? {} : { join }),
  ...(cancelRemaining === undefined ? {} : { cancel_remaining: cancelRemaining }),
  ...(onFailure === undefined ? {} : { on_failure: onFailure }),
})

/** The way back of a step is a method of its address. */
const COMPENSATE_METHOD = 'compensate'

/** Where the way back of a definition's step is addressed. */
export const compensateAddress = (address: string): string => `${address}#${COMPENSATE_METHOD}`

const compensateDocument = (
  callable: string,
  compensate: NonNullable<StepOptions['compensate']>,
): NonNullable<StepDocument['compensate']> => {
  const { retry, timeout }: Partial<CompensateOptions> = typeof compensate === 'function' ? {} : compensate
  return {
    handler: { callable, method: COMPENSATE_METHOD },
    ...(retry === undefined ? {} : { retry: retryFields(retry).retry }),
    ...(timeout === undefined ? {} : { timeout_seconds: durationMs(timeout) / 1_000 }),
  }
}

type RetryFields = Pick<StepDocument, 'jitter' | 'non_retryable_errors'> & { readonly retry: NonNullable<StepDocument['retry']> }

const retryFields = (retry: RetryOptions): RetryFields => ({
  retry: {
    ...(retry.retryable === undefined ? {} : { retryable: retry.retryable }),
    ...(retry.maxAttempts === undefined ? {} : { max_attempts: retry.maxAttempts }),
    ...(retry.backoff === undefined ? {} : { backoff: retry.backoff }),
    ...(retry.backoffBase === undefined ? {} : { backoff_base_ms: durationMs(retry.backoffBase) }),
    ...(retry.maxBackoff === undefined ? {} : { max_backoff_ms: durationMs(retry.maxBackoff) }),
  },
  ...(retry.jitter === undefined ? {} : { jitter: retry.jitter }),
  ...(retry.nonRetryableErrors === undefined ? {} : { non_retryable_errors: retry.nonRetryableErrors }),
})
