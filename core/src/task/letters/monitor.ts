/** How near a task is to going stale, for people who watch. */
import type { StepId } from '../../kernel/ids.js'
import type { DurationMs, Instant } from '../../kernel/instant.js'
import type { WatchedState } from '../../template/lifecycle.js'
import type { LiveTask } from '../state.js'
import { allWatches, type HeardSteps, movedAt, type Watch } from './staleness.js'

export type StalenessHealth = 'healthy' | 'warning' | 'stale'

export interface Staleness {
  /** The wait that is nearest to its end; undefined where nothing of the task is watched now. */
  readonly state: WatchedState | undefined
  readonly step: StepId | undefined
  readonly since: Instant
  readonly thresholdMs: DurationMs | undefined
  /** Of the threshold; 0 without one. */
  readonly percent: number
  readonly health: StalenessHealth
}

const WARNING_PERCENT = 80
const STALE_PERCENT = 100

export const stalenessOf = (task: LiveTask, now: Instant, heard: HeardSteps): Staleness => {
  let nearest: { readonly watch: Watch; readonly percent: number } | undefined
  for (const watch of allWatches(task, heard)) {
    const percent = ((now - watch.since) / watch.thresholdMs) * 100
    if (nearest === undefined || percent > nearest.percent) nearest = { watch, percent }
  }
  if (nearest === undefined) return unwatched(task)
  const { watch, percent } = nearest
  const { state, step, since, thresholdMs } = watch
  return { state, step, since, thresholdMs, percent, health: healthOf(percent) }
}

const unwatched = (task: LiveTask): Staleness => ({
  state: undefined,
  step: undefined,
  since: movedAt(task),
  thresholdMs: undefined,
  percent: 0,
  health: 'healthy',
})

const healthOf = (percent: number): StalenessHealth => {
  if (percent >= STALE_PERCENT) return 'stale'
  return percent >= WARNING_PERCENT ? 'warning' : 'healthy'
}
