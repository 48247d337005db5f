/**
 * How long a task, or one of its steps, may stay as it is before somebody should know, and what happens then.
 *
 * What the template says goes before what the server is set to, and that before the system's default. The default watches what runs or
 * waits for a time; steps that only wait for a worker are watched by their queue unless a template or a setting gives a threshold.
 */
import { durationMs, type DurationMs } from '../kernel/instant.js'

export type StalenessAction = 'dlq' | 'error' | 'none'

/** The states that are watched: three of a task or step, the whole life of it, and the wait of a blocked task for a person. */
export type WatchedState =
  | 'waiting_for_dependencies'
  | 'waiting_for_retry'
  | 'steps_in_process'
  | 'duration'
  | 'blocked_by_failures'

/** What a template or a setting says; undefined where it says nothing. */
export interface Lifecycle {
  readonly thresholdsMs: { readonly [State in WatchedState]?: DurationMs }
  readonly stalenessAction: StalenessAction | undefined
  /** What happens when `duration` is over, where that is said apart from the action. */
  readonly autoFailOnTimeout: boolean | undefined
  readonly autoDlqOnTimeout: boolean | undefined
}

/** What holds for a task, put together of template, settings and default. */
export interface TaskLifecycle extends Lifecycle {
  /** The states whose threshold a template or a setting gave. */
  readonly given: ReadonlySet<WatchedState>
}

const minutes = (count: number): DurationMs => durationMs(count * 60_000)

export const NO_LIFECYCLE: Lifecycle = {
  thresholdsMs: {},
  stalenessAction: undefined,
  autoFailOnTimeout: undefined,
  autoDlqOnTimeout: undefined,
}

/** The system's default. A task may live, and a blocked one may wait for a person, for ever. */
export const DEFAULT_THRESHOLDS_MS: TaskLifecycle['thresholdsMs'] = {
  waiting_for_dependencies: minutes(60),
  waiting_for_retry: minutes(30),
  steps_in_process: minutes(30),
}

/** Template before setting before default, field by field. */
export const taskLifecycle = (template: Lifecycle, settings: Lifecycle = NO_LIFECYCLE): TaskLifecycle => ({
  thresholdsMs: { ...DEFAULT_THRESHOLDS_MS, ...settings.thresholdsMs, ...template.thresholdsMs },
  stalenessAction: template.stalenessAction ?? settings.stalenessAction,
  autoFailOnTimeout: template.autoFailOnTimeout ?? settings.autoFailOnTimeout,
  autoDlqOnTimeout: template.autoDlqOnTimeout ?? settings.autoDlqOnTimeout,
  given: new Set([...statesOf(settings), ...statesOf(template)]),
})

export const statesOf = ({ thresholdsMs }: Lifecycle): readonly WatchedState[] =>
  WATCHED_STATES.filter((state) => thresholdsMs[state] !== undefined)

export const WATCHED_STATES: readonly WatchedState[] = [
  'waiting_for_dependencies',
  'waiting_for_retry',
  'steps_in_process',
  'duration',
  'blocked_by_failures',
]

/** What follows when a task or step went stale. */
export interface StaleConsequence {
  /** A dead letter is opened. */
  readonly dlq: boolean
  /** The task ends as failed. */
  readonly fail: boolean
}

/** For `duration` the two flags say it where one of them is given; a blocked task whose wait for a person is over always fails. */
export const consequenceOf = (
  state: WatchedState,
  lifecycle: Lifecycle,
  fallback: Lifecycle = NO_LIFECYCLE,
): StaleConsequence => {
  const action = lifecycle.stalenessAction ?? fallback.stalenessAction ?? 'dlq'
  if (state === 'blocked_by_failures') return { dlq: false, fail: true }
  const fail = lifecycle.autoFailOnTimeout ?? fallback.autoFailOnTimeout
  const dlq = lifecycle.autoDlqOnTimeout ?? fallback.autoDlqOnTimeout
  if (state === 'duration' && (fail !== undefined || dlq !== undefined)) return { dlq: dlq === true, fail: fail === true }
  return { dlq: action === 'dlq', fail: action === 'error' }
}
