/** What a durable function is given: the operations that are journaled, and what of its surroundings is the same on every replay. */
import type { Schema, SchemaOutput } from '../definition/schema.js'
import type { Duration } from '../duration.js'
import type { Jsonified, JsonObject, JsonValue } from '../step/json.js'
import type {
  BranchOptions,
  CallOptions,
  ChildOptions,
  KeyOptions,
  NamedChildOptions,
  SignalOptions,
  SleepOptions,
  StepOptions,
  StepScope,
  UntilOptions,
} from './options.js'

/** Another task as a child: what `defineTask` and `defineFunction` give. */
export interface ChildDefinition<Input = never, Result = unknown> {
  readonly name: string
  readonly namespace: string
  readonly version: string
  readonly types?: { readonly input: (input: Input) => void; readonly result: Result }
}

/** A part of a function that goes on beside others: a promise, or a function that gets a scope of its own. */
export type Branch<T = unknown> = PromiseLike<T> | ((context: FunctionContext) => T | PromiseLike<T>)

export type Branches = readonly Branch[] | { readonly [name: string]: Branch }

export type BranchResult<B> =
  B extends PromiseLike<infer T> ? T : B extends (context: FunctionContext) => infer Returned ? Awaited<Returned> : never

export type BranchResults<B extends Branches> = { -readonly [Name in keyof B]: BranchResult<B[Name]> }

export type AnyBranchResult<B extends Branches> = B extends readonly (infer Each)[]
  ? BranchResult<Each>
  : BranchResult<B[keyof B]>

/** The mark of a function that goes on as new; `return` it. */
export interface Continued {
  readonly type: 'continued'
}

export interface FunctionContext {
  readonly taskId: string
  /** Aborted when this part of the function is cancelled. */
  readonly cancellation: AbortSignal

  /** Runs here, once it succeeded never again: its result is recorded, and resolves when it is durable. */
  step<T>(name: string, run: (scope: StepScope) => T, options?: StepOptions): Promise<Jsonified<Awaited<T>>>
  /** Runs a step handler on any worker, in any language. */
  call<Result = JsonValue>(
    handler: string | { readonly callable: string },
    input: unknown,
    options?: CallOptions,
  ): Promise<Result>
  /** Another task, whose result this one waits for: of a function, a typed task, or a template by its name. */
  child<Input, Result>(definition: ChildDefinition<Input, Result>, input: Input, options?: ChildOptions): Promise<Result>
  child<Result = JsonValue>(name: string, input: JsonObject, options?: NamedChildOptions): Promise<Result>
  /** For a time, or until an instant. Meanwhile nothing of the function has to be in any memory. */
  sleep(time: Duration | Date, options?: SleepOptions): Promise<void>
  /** The first signal of that name that nobody took yet, also one that came before. */
  waitForSignal<Payload = JsonValue>(
    name: string,
    options: SignalOptions<Payload> & { readonly timeout: Duration },
  ): Promise<Payload | undefined>
  waitForSignal<Payload = JsonValue>(name: string, options?: SignalOptions<Payload>): Promise<Payload>
  /** Until the condition on variables of the function holds, which updates and other branches change; undefined when the time is over before. */
  until(condition: () => boolean, options?: UntilOptions): Promise<true | undefined>
  /**
   * Takes updates of that name from here on: a caller gets what `handler` gives or throws, recorded. Say it before the first `await`: an update that
   * nobody takes is refused. The handler has a scope of its own, and goes on beside the function.
   */
  onUpdate<S extends Schema>(
    name: string,
    schema: S,
    handler: (payload: SchemaOutput<S>, context: FunctionContext) => unknown,
  ): void
  /** Hands a signal to another task; resolves when it is there. */
  signal(taskId: string, name: string, payload?: unknown, options?: KeyOptions): Promise<void>

  /** Milliseconds since 1970: when what the function saw last was recorded. */
  now(): number
  /** From 0 up to 1. Not for secrets: it follows from the id of the task. */
  random(): number
  /** A UUID of version 4. Not for secrets. */
  uuid(): string

  /** All results, by name or place. The first failure cancels the branches that have a scope of their own. */
  all<const B extends Branches>(branches: B, options?: BranchOptions): Promise<BranchResults<B>>
  /** What the first branch to end gives or throws; the others that have a scope of their own are cancelled. */
  race<const B extends Branches>(branches: B, options?: BranchOptions): Promise<AnyBranchResult<B>>
  /** The first result; failures count only if there is no result at all (`AggregateError`). */
  any<const B extends Branches>(branches: B, options?: BranchOptions): Promise<AnyBranchResult<B>>
  /** A part with names of its own. */
  scope<T>(name: string, run: (context: FunctionContext) => T | PromiseLike<T>): Promise<T>
  /** A part that runs to its end though the function is cancelled: for cleaning up. */
  shielded<T>(name: string, run: (context: FunctionContext) => T | PromiseLike<T>): Promise<T>

  /** True where new code may run: not for tasks that came past this place without it. */
  patched(id: string): boolean
  /** Shows a value to queries; the last one of a name counts. */
  setState(name: string, value: unknown): void
  /** Takes something back, if the function fails or is cancelled: the last one first, each as a step. */
  compensate(name: string, run: (scope: StepScope) => unknown, options?: StepOptions): void
  /** `return ctx.continueAs(input)`: goes on from its beginning with an empty journal. Signals that nobody took stay. */
  continueAs(input: unknown): Continued
}
