/** The template: a declared, versioned graph of steps, after parsing and validation. */
import type { DurationMs } from '../kernel/instant.js'
import type { Expression } from '../expression/expression.js'
import type { KeyTemplate } from '../expression/key.js'
import type { HandlerName, Namespace, StepId } from '../kernel/ids.js'
import type { Json } from '../kernel/json.js'
import type { KeySpec } from '../key/key.js'
import type { RetryPolicy } from '../retry/policy.js'
import type { CallOf } from '../function/call.js'
import type { BatchConfig } from './batch-spec.js'
import type { PublishedEvent } from './published-event.js'
import type { Lifecycle } from './lifecycle.js'

export type StepType = 'standard' | 'decision' | 'deferred_convergence' | 'batchable' | 'batch_worker' | 'function'

export interface HandlerSpec {
  readonly callable: HandlerName
  /** The method of a class handler; `call` when not given. */
  readonly method: string
  readonly resolver: string | undefined
  readonly initialization: { readonly [key: string]: Json }
}

/** The way back of a completed step, once the task is to be taken back. */
export interface CompensateSpec {
  readonly handler: HandlerSpec
  readonly retry: RetryPolicy
  readonly timeoutMs: DurationMs
  /** Always empty: a way back waits for no key. */
  readonly keys: readonly KeySpec[]
}

/** What a permanent failure of a step means for its task: it waits for a person, it goes on without the step, or its work is taken back. */
export type OnFailure = 'block' | 'continue' | 'compensate'

/** How many of its dependencies a step waits for. */
export type Join = 'all' | number

export interface StepSpec {
  readonly name: StepId
  readonly description: string | undefined
  readonly type: StepType
  readonly handler: HandlerSpec
  readonly dependencies: readonly StepId[]
  readonly retry: RetryPolicy
  /** Start to close; `LIMITS.stepTimeoutMsDefault` when not given. */
  readonly timeoutMs: DurationMs
  /** The longest silence of a handler that runs; no limit when undefined. */
  readonly heartbeatMs: DurationMs | undefined
  /** The longest wait for a worker, each time the step is ready. */
  readonly scheduleToStartMs: DurationMs | undefined
  /** Over all attempts, from the first time the step is ready. */
  readonly scheduleToCloseMs: DurationMs | undefined
  /** What the step's result must fit; a result that does not is a permanent failure. */
  readonly resultSchema: { readonly [key: string]: Json } | undefined
  /** The `batch_config` block. */
  readonly batchConfig: BatchConfig | undefined
  /** The step is skipped where this is false. */
  readonly when: Expression | undefined
  readonly onFailure: OnFailure
  readonly compensate: CompensateSpec | undefined
  readonly join: Join
  /** Once the join has enough, its other dependencies are cancelled. */
  readonly cancelRemaining: boolean
  /** Added to the task's priority; 0 when not given. */
  readonly priority: number
  /** The keys it needs a place of, in the order it asks for them. */
  readonly keys: readonly KeySpec[]
  /** The domain events that its results cause. */
  readonly publishes: readonly PublishedEvent[]
  /** How long this step may stay as it is. */
  readonly lifecycle: Lifecycle | undefined
  /** Of a step that a durable function asked for; no template has one. */
  readonly call?: CallOf
}

/** When two submissions mean the same task. An idempotency key always counts; the rest is the template's to say. */
export interface IdentityRule {
  /** `strict`: the same context is the same task. `caller_provided`: a key must be given. `always_unique`: only a key counts. */
  readonly strategy: 'strict' | 'caller_provided' | 'always_unique'
  /** The identity is free again this long after the task was submitted. */
  readonly windowMs: DurationMs | undefined
  /** The identity is free again when the task is over. */
  readonly whileRunning: boolean
}

/** The name in `environments` that means every step. */
export const ALL_STEPS = 'ALL'

/** What an environment says of a step, or of `ALL_STEPS`. */
export interface StepOverride {
  readonly step: string
  /** Merged into the handler's own, map by map. */
  readonly initialization: { readonly [key: string]: Json }
  readonly timeoutMs: DurationMs | undefined
  readonly retry: Partial<RetryPolicy>
}

/** Steps that depend on each other, or one step `run` whose code is journaled. */
export type TemplateKind = 'graph' | 'function'

export interface Template {
  readonly kind: TemplateKind
  readonly namespace: Namespace
  readonly name: string
  /** Semver text. */
  readonly version: string
  readonly description: string | undefined
  /** Whether a step sees the results of all its ancestors (`ancestors`, the default) or of its dependencies alone (`direct`). */
  readonly dependencyScope: 'ancestors' | 'direct'
  readonly priority: number
  /** The text with expressions whose value says whose turns a task's steps take. */
  readonly fairnessKey: KeyTemplate | undefined
  readonly inputSchema: { readonly [key: string]: Json } | undefined
  readonly identity: IdentityRule
  /** What is otherwise under each environment. */
  readonly environments: ReadonlyMap<string, readonly StepOverride[]>
  /** The environment whose overrides `steps` have; undefined when they are as the file says. */
  readonly environment: string | undefined
  readonly steps: readonly StepSpec[]
  readonly lifecycle: Lifecycle
  /** Everything else the file declares, kept for people and for parts that come later. */
  readonly declared: { readonly [key: string]: Json }
}
