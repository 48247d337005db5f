/** The context of one attempt, made from its command: everything that costs is made at the first look at it, and once. */
import type { StepCommand } from '@tasker/proto'
import { apiOf, type Api, type ApiOptions } from '../api/api.js'
import { TaskerError } from '../errors/tasker-error.js'
import type { HandlerEvent } from '../events/given-events.js'
import { withFields, type Logger } from '../logger.js'
import { gathered, type Gathers } from './gather.js'
import { countOf, type JsonValue } from './json.js'
import type { Batch, BatchLimits, Checkpoint, SavedCursor } from './context.js'
import { batchFrom, limitsFrom, savedFrom } from './batch.js'
import { batchesOf, decisionOf, type Batches, type BatchRange, type Decision } from './outcome.js'
import { payloadValue } from './payload.js'

/** The attempt behind a context: what its lazy parts need of it. */
export interface AttemptPort {
  readonly signal: () => AbortSignal
  readonly heartbeat: (progress: JsonValue | undefined) => void
  readonly checkpoint: (progress: SavedCursor) => Promise<void>
  readonly publish: (name: string, event: HandlerEvent) => void
  /** What this attempt saved last; nothing when it saved nothing yet. */
  readonly saved: () => SavedCursor | undefined
}

const NOT_PARSED = Symbol('not parsed')
const NO_OPTIONS: ApiOptions = {}

/** Has the members of all kinds of contexts; the types of a handler say which of them are its own. */
export class AttemptContext {
  readonly taskId: string
  readonly stepId: string
  readonly attempt: number
  readonly #command: StepCommand
  readonly #attempt: AttemptPort
  readonly #logger: Logger
  #apiOptions = NO_OPTIONS
  #api: Api | undefined
  #input: unknown = NOT_PARSED
  #config: unknown = NOT_PARSED
  #deps: ReadonlyMap<string, unknown> | undefined
  #shownDeps: unknown
  #gathers: Gathers | undefined
  #batch: Batch | undefined

  constructor(
    command: StepCommand,
    attempt: AttemptPort,
    logger: Logger,
    ids: { taskId: string; stepId: string; attempt: number },
  ) {
    this.taskId = ids.taskId
    this.stepId = ids.stepId
    this.attempt = ids.attempt
    this.#command = command
    this.#attempt = attempt
    this.#logger = logger
  }

  get input(): unknown {
    if (this.#input === NOT_PARSED) this.#input = payloadValue(this.#command.input)
    return this.#input
  }

  /** Puts the schema's output in the place of what was received. */
  acceptInput(validated: unknown): void {
    this.#input = validated
  }

  /** What the handler says about its HTTP calls. */
  acceptApi(options: ApiOptions): void {
    this.#apiOptions = options
  }

  /** Which of the results are parts of a batch. */
  acceptGathers(gathers: Gathers): void {
    this.#gathers = gathers
  }

  get config(): unknown {
    if (this.#config === NOT_PARSED) this.#config = payloadValue(this.#command.config)
    return this.#config
  }

  // Made from entries, so that a step may be called `__proto__`.
  get deps(): unknown {
    this.#shownDeps ??= Object.fromEntries(
      this.#gathers === undefined ? this.#results() : gathered(this.#results(), this.#gathers),
    )
    return this.#shownDeps
  }

  get isRetry(): boolean {
    return this.attempt > 1
  }

  get isLastAttempt(): boolean {
    return this.#command.attemptsSinceReset >= this.#command.maxAttempts
  }

  get retryCount(): number {
    return Math.max(0, this.#command.attemptsSinceReset - 1)
  }

  get maxRetries(): number {
    return Math.max(0, this.#command.maxAttempts - 1)
  }

  /** A function of its own, as all below, so that handlers may take the context apart. */
  get heartbeat(): (progress?: JsonValue) => void {
    return (progress) => this.#attempt.heartbeat(progress)
  }

  get heartbeatMs(): number | undefined {
    return this.#command.heartbeatMs === 0 ? undefined : this.#command.heartbeatMs
  }

  get publish(): (name: string, payload: unknown, metadata?: unknown) => void {
    return (name, payload, metadata) => {
      if (!this.#command.eventDeclarations.some((declared) => declared.name === name)) throw notDeclared(name, this.stepId)
      this.#attempt.publish(name, { payload, metadata })
    }
  }

  get signal(): AbortSignal {
    return this.#attempt.signal()
  }

  get api(): Api {
    this.#api ??= apiOf(this.#apiOptions, this.signal)
    return this.#api
  }

  get logger(): Logger {
    return withFields(this.#logger, { taskId: this.taskId, stepId: this.stepId, attempt: this.attempt })
  }

  get correlationId(): string {
    return this.#command.correlationId
  }

  get getInput(): (name: string) => unknown {
    return (name) => fieldOf(this.input, name)
  }

  get getInputOr(): (name: string, fallback: unknown) => unknown {
    return (name, fallback) => fieldOf(this.input, name) ?? fallback
  }

  get getConfig(): (name: string) => unknown {
    return (name) => fieldOf(this.config, name)
  }

  get getDependencyResult(): (step: string) => unknown {
    return (step) => this.#results().get(step)
  }

  get getDependencyField(): (step: string, ...path: readonly (string | number)[]) => unknown {
    return (step, ...path) => path.reduce<unknown>(fieldOf, this.#results().get(step))
  }

  get getAllDependencyResults(): (prefix: string) => readonly unknown[] {
    return (prefix) => Array.from(this.#results()).flatMap(([step, result]) => (step.startsWith(prefix) ? [result] : []))
  }

  get route(): (...steps: readonly string[]) => Decision {
    return (...names) => {
      const steps = names.map(String)
      return decisionOf({ steps, reason: '', result: { steps } })
    }
  }

  get skip(): (reason?: string) => Decision {
    return (reason = '') => decisionOf({ steps: [], reason, result: reason === '' ? { steps: [] } : { steps: [], reason } })
  }

  get batches(): (ranges: readonly BatchRange[], options?: { readonly totalItems?: number }) => Batches {
    return (ranges, options) => {
      const totalItems = countOf(options?.totalItems ?? 0, 'totalItems')
      const result = { batches: ranges.length, ...(totalItems === 0 ? {} : { total_items: totalItems }) }
      return batchesOf({ ranges, totalItems, reason: '', result })
    }
  }

  get noBatches(): (reason?: string) => Batches {
    return (reason = '') =>
      batchesOf({ ranges: [], totalItems: 0, reason, result: reason === '' ? { batches: 0 } : { batches: 0, reason } })
  }

  get batchLimits(): BatchLimits | undefined {
    return limitsFrom(this.#command.batchLimits)
  }

  get batch(): Batch | undefined {
    this.#batch ??= batchFrom(this.#command.batch)
    return this.#batch
  }

  get compensates(): { readonly result: unknown } | undefined {
    const { compensation } = this.#command
    return compensation === undefined ? undefined : { result: payloadValue(compensation.result) }
  }

  get cursor(): SavedCursor | undefined {
    return this.#attempt.saved() ?? savedFrom(this.#command.checkpoint)
  }

  get checkpoint(): (progress: Checkpoint) => Promise<void> {
    return ({ cursor, itemsProcessed, accumulated }) => {
      const before = this.cursor
      return this.#attempt.checkpoint({
        cursor,
        itemsProcessed: itemsProcessed ?? before?.itemsProcessed ?? 0,
        accumulated: accumulated === undefined ? (before?.accumulated ?? null) : accumulated,
      })
    }
  }

  #results(): ReadonlyMap<string, unknown> {
    this.#deps ??= new Map(this.#command.dependencies.map(({ stepId, output }) => [stepId, payloadValue(output)]))
    return this.#deps
  }
}

const notDeclared = (name: string, stepId: string): TaskerError =>
  new TaskerError({
    code: 'INVALID_INPUT',
    reason: 'EVENT_NOT_DECLARED',
    message: `the step ${stepId} declares no event ${name}`,
    hint: 'name it in publishes_events of the template',
  })

const fieldOf = (value: unknown, name: string | number): unknown => {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Reflect.get(value, name)
}
