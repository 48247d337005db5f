/** What the engine says of its own state: each part that must hold, and how far each bound is used. */
import { LIMITS } from '@tasker/core'
import type { FaultDetail } from '../faults.js'
import type { HealthPart, LimitLevel } from './api.js'
import type { EngineParts } from './engine-parts.js'
import type { EngineSettings } from './engine-ports.js'
import { QUARANTINED_MAX } from './quarantine.js'

/** Why nothing is answered before a server has recovered. */
export const RECOVERING = 'recovering'

export interface EngineState {
  /** Why nothing is answered. */
  readonly closed: string | undefined
  readonly recovering: boolean
  /** Why new commands are turned away for a moment. */
  readonly pressure: FaultDetail | undefined
}

export const healthParts = (parts: EngineParts, { closed, recovering, pressure }: EngineState): readonly HealthPart[] => [
  part('recovery', true, recovering ? RECOVERING : undefined, 'recovered'),
  part('ownership', true, closed === RECOVERING ? undefined : closed, 'this server owns all partitions'),
  part('database', true, databaseProblem(parts), `committed ${Math.round(parts.readiness.provedAgoMs)} ms ago`),
  part('clock', true, parts.readiness.clockProblem, `${Math.round(parts.readiness.clockOffsetMs ?? 0)} ms off the database's`),
  part('pressure', false, pressure?.message, 'commands are taken'),
  part('projections', false, projectionProblem(parts), 'rows are written'),
]

const part = (name: HealthPart['name'], needed: boolean, problem: string | undefined, well: string): HealthPart => ({
  name,
  ok: problem === undefined,
  needed,
  detail: problem ?? well,
})

const databaseProblem = ({ commits, readiness }: EngineParts): string | undefined =>
  commits.available ? readiness.problem : 'the database cannot be reached'

const projectionProblem = ({ projector: { failure } }: EngineParts): string | undefined => {
  if (failure === undefined) return undefined
  return `the rows behind lists cannot be written: ${failure instanceof Error ? failure.message : 'for a reason that is not told'}`
}

/** `docs/operations.md` says what happens at each of them. */
export const limitLevels = (
  { commits, cache, projector, timers, dispatcher, quarantine }: EngineParts,
  { cacheBytesMax, limits }: EngineSettings,
): readonly LimitLevel[] => {
  const bounds = { ...LIMITS, ...limits }
  return [
    { limit: 'waiting_commits', used: commits.waitingCommits, max: bounds.waitingCommitsMax },
    { limit: 'waiting_chars', used: commits.waitingChars, max: bounds.waitingCharsMax },
    { limit: 'unprojected_tasks', used: projector.backlogTasks, max: bounds.unprojectedTasksMax },
    { limit: 'unprojected_bytes', used: projector.backlogBytes, max: bounds.unprojectedBytesMax },
    { limit: 'cache_bytes', used: cache.bytes, max: cacheBytesMax },
    { limit: 'ready_window_entries', used: dispatcher.windowEntries, max: bounds.windowEntriesMax },
    { limit: 'timer_window_entries', used: timers.armed, max: bounds.timerWindowEntriesMax },
    { limit: 'timers_fired', used: timers.fired, max: bounds.timersFiredMax },
    { limit: 'quarantined_streams', used: quarantine.size, max: QUARANTINED_MAX },
  ]
}
