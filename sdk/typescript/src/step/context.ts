/** What a handler is given: its input, the results it depends on, and the ways to report and to hear. */
import type { StepCommand } from '@tasker/proto'
import { withFields, type Logger } from '../logger.js'
import type { JsonObject, JsonValue } from './json.js'
import { payloadValue } from './payload.js'

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
  /** Says that the handler is alive, with what people may want to see of its progress. Cheap: only the last of a moment is sent. */
  readonly heartbeat: (progress?: JsonValue) => void
  /** Aborted when the attempt is cancelled, timed out or taken away, or the worker stops. Give it to `fetch` and friends. */
  readonly signal: AbortSignal
  /** The worker's logger with the ids of this attempt. */
  readonly logger: Logger
  readonly taskId: string
  readonly stepId: string
  readonly correlationId: string
}

/** The attempt behind a context: what its lazy parts need of it. */
export interface AttemptPort {
  readonly signal: () => AbortSignal
  readonly heartbeat: (progress: JsonValue | undefined) => void
}

const NOT_PARSED = Symbol('not parsed')

/** Everything that costs is made at the first look at it, and once. */
export class AttemptContext implements StepContext<unknown, unknown, unknown> {
  readonly taskId: string
  readonly stepId: string
  readonly attempt: number
  readonly #command: StepCommand
  readonly #attempt: AttemptPort
  readonly #logger: Logger
  #input: unknown = NOT_PARSED
  #config: unknown = NOT_PARSED
  #deps: unknown = NOT_PARSED

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

  get config(): unknown {
    if (this.#config === NOT_PARSED) this.#config = payloadValue(this.#command.config)
    return this.#config
  }

  get deps(): unknown {
    if (this.#deps === NOT_PARSED) this.#deps = depsOf(this.#command)
    return this.#deps
  }

  get isRetry(): boolean {
    return this.attempt > 1
  }

  get isLastAttempt(): boolean {
    return this.#command.attemptsSinceReset >= this.#command.maxAttempts
  }

  /** A function of its own, so that handlers may take the context apart. */
  get heartbeat(): (progress?: JsonValue) => void {
    return (progress) => this.#attempt.heartbeat(progress)
  }

  get signal(): AbortSignal {
    return this.#attempt.signal()
  }

  get logger(): Logger {
    return withFields(this.#logger, { taskId: this.taskId, stepId: this.stepId, attempt: this.attempt })
  }

  get correlationId(): string {
    return this.#command.correlationId
  }
}

// Made from entries, so that a step may be called `__proto__`.
const depsOf = (command: StepCommand): { readonly [step: string]: unknown } =>
  Object.fromEntries(command.dependencies.map((dependency) => [dependency.stepId, payloadValue(dependency.output)]))
