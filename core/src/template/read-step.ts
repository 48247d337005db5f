/** One entry of `steps`: every field of the format, and what of it a step that runs is made of. */
import { stepId } from '../kernel/ids.js'
import { type DurationMs, durationMs } from '../kernel/instant.js'
import { present } from '../kernel/invariant.js'
import { LIMITS } from '../limits.js'
import { boolean, listOf, nameText, number, objectOf, oneOf, openMap, outOfRange, text, type Reader } from './fields.js'
import { expression } from './read-expression.js'
import {
  compensateFields,
  compensateSpec,
  handlerFields,
  handlerSpec,
  joinField,
  joinOf,
  located,
  onFailureField,
  seconds,
  timeoutMsOf,
  type Located,
} from './read-failure.js'
import { concurrency, type KeyFields, keySpecs, rateLimit } from './read-key.js'
import { type DeclaredEventFields, publishedEvent, publishedEvents } from './read-published-events.js'
import { lifecycleOf, stepLifecycle } from './read-lifecycle.js'
import { jitter, nonRetryableErrors, retryFields, retryPolicy } from './read-retry.js'
import { addProblem, type Findings } from './problem.js'
import type { BatchConfig } from './batch-spec.js'
import type { StepSpec } from './template.js'

const name = nameText(LIMITS.nameCharsMax)
export const priority = number({ min: -LIMITS.priorityMax, max: LIMITS.priorityMax, whole: true })
const schema = openMap
const count = (max: number): Reader<number> => number({ min: 1, max, whole: true })

const batchConfig = objectOf({
  batch_size: { read: count(100_000) },
  parallelism: { read: count(1_000) },
  cursor_field: { read: name },
  worker_template: { read: located(name) },
  failure_strategy: { read: oneOf('continue_on_failure', 'fail_fast', 'isolate') },
})

const STEP_TYPES = ['standard', 'decision', 'deferred_convergence', 'batchable', 'batch_worker', 'function'] as const

export const stepFields = objectOf({
  name: { read: located(name), required: true },
  description: { read: text() },
  handler: { read: located(handlerFields), required: true },
  type: { read: located(oneOf(...STEP_TYPES)), aliases: ['step_type'] },
  dependencies: { read: listOf(located(text(LIMITS.nameCharsMax))), aliases: ['depends_on'] },
  system_dependency: { read: text() },
  retry: { read: retryFields },
  timeout_seconds: { read: seconds },
  publishes_events: { read: publishedEvents },
  batch_config: { read: batchConfig },
  result_schema: { read: schema },
  lifecycle: { read: stepLifecycle },
  composition: { read: openMap },
  jitter: { read: located(jitter) },
  non_retryable_errors: { read: located(nonRetryableErrors) },
  heartbeat_seconds: { read: seconds },
  schedule_to_start_seconds: { read: seconds },
  schedule_to_close_seconds: { read: seconds },
  when: { read: located(expression) },
  on_failure: { read: onFailureField },
  compensate: { read: compensateFields },
  join: { read: located(joinField) },
  cancel_remaining: { read: located(boolean) },
  priority: { read: priority },
  concurrency: { read: concurrency },
  rate_limit: { read: rateLimit },
})

export type StepFields = NonNullable<ReturnType<typeof stepFields>>

/** The entries of `steps` that could be read, with their places. */
export const stepList: Reader<readonly Located<StepFields>[]> = (value, path, findings) => {
  if (!Array.isArray(value)) return listOf(located(stepFields))(value, path, findings)
  if (value.length === 0) return outOfRange(findings, path, 'a template needs at least one step')
  if (value.length > LIMITS.templateStepsMax) {
    const message = `${value.length} steps are too many; ${LIMITS.templateStepsMax} is the limit`
    addProblem(findings, 'TOO_MANY_STEPS', path, message, { hint: 'split it into templates that submit each other' })
    return null
  }
  const steps = listOf(located(stepFields))(value, path, findings)
  for (const step of steps ?? []) noteRetryTwice(step.value, findings)
  return steps
}

/** `jitter` and `non_retryable_errors` may stand in the step or in its `retry` block, not in both. */
const noteRetryTwice = (step: StepFields, findings: Findings): void => {
  const twice = (field: string, located: Located<unknown> | undefined, inRetry: unknown): void => {
    if (located !== undefined && inRetry !== undefined)
      addProblem(findings, 'CONFLICTING_FIELDS', located.path, `"${field}" stands here and in "retry"`, { onKey: true })
  }
  twice('jitter', step.jitter, step.retry?.jitter)
  twice('non_retryable_errors', step.non_retryable_errors, step.retry?.non_retryable_errors)
}

/** The step as it runs; to be called only when no problem was found. */
export const stepSpec = (
  fields: StepFields,
  template: KeyFields & { readonly domain_events?: readonly DeclaredEventFields[] | undefined },
): StepSpec => {
  const policy = retryPolicy(fields.retry)
  return {
    name: stepId(present(fields.name, 'the name of a step').value),
    description: fields.description,
    type: fields.type?.value ?? 'standard',
    handler: handlerSpec(present(fields.handler, 'the handler of a step').value),
    dependencies: (fields.dependencies ?? []).map((dependency) => stepId(dependency.value)),
    retry: {
      ...policy,
      jitter: fields.jitter?.value ?? policy.jitter,
      nonRetryableErrors: fields.non_retryable_errors?.value ?? policy.nonRetryableErrors,
    },
    resultSchema: fields.result_schema,
    batchConfig: batchConfigOf(fields.batch_config),
    timeoutMs: timeoutMsOf(
      fields.timeout_seconds,
      fields.type?.value === 'function' ? LIMITS.functionStepTimeoutMsDefault : undefined,
    ),
    heartbeatMs: inMs(fields.heartbeat_seconds),
    scheduleToStartMs: inMs(fields.schedule_to_start_seconds),
    scheduleToCloseMs: inMs(fields.schedule_to_close_seconds),
    when: fields.when?.value,
    onFailure: fields.on_failure ?? 'block',
    compensate: compensateSpec(fields.compensate),
    join: joinOf(fields.join?.value),
    cancelRemaining: fields.cancel_remaining?.value ?? false,
    priority: fields.priority ?? 0,
    keys: keySpecs(fields, template),
    publishes: (fields.publishes_events ?? []).map((event) => publishedEvent(event, template.domain_events ?? [])),
    lifecycle: fields.lifecycle === undefined ? undefined : lifecycleOf(fields.lifecycle),
  }
}

const batchConfigOf = (fields: StepFields['batch_config']): BatchConfig | undefined =>
  fields === undefined
    ? undefined
    : {
        batchSize: fields.batch_size,
        parallelism: fields.parallelism,
        cursorField: fields.cursor_field,
        workerTemplate: fields.worker_template === undefined ? undefined : stepId(fields.worker_template.value),
        failureStrategy: fields.failure_strategy,
      }

const inMs = (seconds: number | undefined): DurationMs | undefined =>
  seconds === undefined ? undefined : durationMs(Math.round(seconds * 1_000))
