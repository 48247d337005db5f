/** What came of a run. */
import type { Violation } from './checking.js'
import type { Trace } from './trace.js'
import type { Witness } from './witness.js'
import type { World } from './world.js'

export interface RunReport {
  readonly seed: number
  /** What `npm run sim --` has to be told to see it again. */
  readonly replay: string
  readonly violations: readonly Violation[]
  readonly tasks: number
  readonly events: number
  readonly eventTypes: ReadonlySet<string>
  /** How often each kind of fault happened. */
  readonly faults: ReadonlyMap<string, number>
  readonly virtualMs: number
  /** Places of keys that were given. */
  readonly grants: number
  /** Compensations that began, and those that took everything back. */
  readonly compensations: { readonly begun: number; readonly complete: number }
  readonly trace: Trace
  readonly witness: Witness
}

export const reportOf = ({ checking, clients, weather, clock, trace }: World, seed: number, replay: string): RunReport => {
  const types = checking.witness.commits.flatMap(({ stored }) => stored.types)
  const count = (wanted: string): number => types.filter((type) => type === wanted).length
  return {
    seed,
    replay,
    eventTypes: new Set(types),
    violations: checking.violations,
    tasks: clients.acknowledged.length,
    events: checking.witness.events,
    faults: weather.seen,
    grants: count('key.granted'),
    compensations: { begun: count('compensation.started'), complete: count('compensation.completed') },
    virtualMs: clock.monotonicMs(),
    trace,
    witness: checking.witness,
  }
}
