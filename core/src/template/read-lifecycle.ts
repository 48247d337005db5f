/** The `lifecycle` of a template, and what of a step's open map is one. */
import { durationMs } from '../kernel/instant.js'
import { boolean, isObject, number, objectOf, oneOf, openMap, type Reader } from './fields.js'
import type { Lifecycle, WatchedState } from './lifecycle.js'

const WEEK_MINUTES = 10_080
const MONTH_MINUTES = 43_200
const MINUTE_MS = 60_000
const minutes = (max: number): Reader<number> => number({ min: 1, max, whole: true })

const stepThresholds = {
  max_waiting_for_dependencies_minutes: { read: minutes(WEEK_MINUTES) },
  max_waiting_for_retry_minutes: { read: minutes(WEEK_MINUTES) },
  max_steps_in_process_minutes: { read: minutes(WEEK_MINUTES) },
  max_duration_minutes: { read: minutes(MONTH_MINUTES) },
} as const

const actions = {
  staleness_action: { read: oneOf('dlq', 'error', 'none') },
  auto_fail_on_timeout: { read: boolean },
  auto_dlq_on_timeout: { read: boolean },
} as const

export const lifecycleFields = objectOf({
  ...stepThresholds,
  max_blocked_by_failures_minutes: { read: minutes(MONTH_MINUTES) },
  ...actions,
})

type LifecycleFields = NonNullable<ReturnType<typeof lifecycleFields>>

const stepFields = { ...stepThresholds, ...actions }
const knownOfStep = objectOf(stepFields)
const NAMES: ReadonlySet<string> = new Set(Object.keys(stepFields))

/** A step's lifecycle is an open map: names it shares with a template's mean the same for the step, the others are kept for people. */
export const stepLifecycle: Reader<LifecycleFields> = (value, path, findings) => {
  if (!isObject(value)) {
    openMap(value, path, findings)
    return null
  }
  const known = Object.fromEntries(Object.entries(value).filter(([name]) => NAMES.has(name)))
  return knownOfStep(known, path, findings)
}

export const lifecycleOf = (fields: LifecycleFields): Lifecycle => ({
  thresholdsMs: {
    ...threshold('waiting_for_dependencies', fields.max_waiting_for_dependencies_minutes),
    ...threshold('waiting_for_retry', fields.max_waiting_for_retry_minutes),
    ...threshold('steps_in_process', fields.max_steps_in_process_minutes),
    ...threshold('duration', fields.max_duration_minutes),
    ...threshold('blocked_by_failures', fields.max_blocked_by_failures_minutes),
  },
  stalenessAction: fields.staleness_action,
  autoFailOnTimeout: fields.auto_fail_on_timeout,
  autoDlqOnTimeout: fields.auto_dlq_on_timeout,
})

const threshold = (state: WatchedState, count: number | undefined): Lifecycle['thresholdsMs'] =>
  count === undefined ? {} : { [state]: durationMs(count * MINUTE_MS) }
