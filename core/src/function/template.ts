/** A durable function as its server knows it: a template whose one step `run` is the function. */
import { handlerName, type Namespace, stepId } from '../kernel/ids.js'
import type { Json } from '../kernel/json.js'
import { LIMITS } from '../limits.js'
import { DEFAULT_RETRY_POLICY } from '../retry/policy.js'
import { NO_LIFECYCLE } from '../template/lifecycle.js'
import type { StepSpec, Template } from '../template/template.js'

export const RUN_STEP = stepId('run')

export interface FunctionSpec {
  readonly namespace: Namespace
  readonly name: string
  /** Semver text. A task stays on the version it began with, because its handler has the version in its name. */
  readonly version: string
  readonly description?: string | undefined
  readonly inputSchema: { readonly [key: string]: Json } | undefined
}

export const functionTemplate = ({ namespace, name, version, description, inputSchema }: FunctionSpec): Template => ({
  kind: 'function',
  namespace,
  name,
  version,
  description,
  dependencyScope: 'direct',
  priority: 0,
  fairnessKey: undefined,
  inputSchema,
  identity: { strategy: 'always_unique', windowMs: undefined, whileRunning: false },
  environments: new Map(),
  environment: undefined,
  steps: [runStep(`${name}@${version}/${RUN_STEP}`)],
  lifecycle: NO_LIFECYCLE,
  declared: {},
})

/** What fails is the worker, not the function: a function that fails says so, and then no other attempt is made. */
const runStep = (callable: string): StepSpec => ({
  name: RUN_STEP,
  description: undefined,
  type: 'standard',
  handler: { callable: handlerName(callable), method: 'call', resolver: undefined, initialization: {} },
  dependencies: [],
  retry: {
    retryable: true,
    maxAttempts: LIMITS.retryAttemptsMax,
    backoff: 'exponential',
    baseMs: LIMITS.functionRetryMsMin,
    maxDelayMs: LIMITS.functionRetryMsMax,
    jitter: DEFAULT_RETRY_POLICY.jitter,
    nonRetryableErrors: [],
  },
  resultSchema: undefined,
  timeoutMs: LIMITS.functionQuietMs,
  heartbeatMs: undefined,
  scheduleToStartMs: undefined,
  scheduleToCloseMs: undefined,
  batchConfig: undefined,
  when: undefined,
  onFailure: 'block',
  compensate: undefined,
  join: 'all',
  cancelRemaining: false,
  priority: 0,
  keys: [],
  publishes: [],
  lifecycle: undefined,
})
