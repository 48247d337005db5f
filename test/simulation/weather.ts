/** What the world does to those who live in it just now, and a count of what it did. */
import { type FaultPlan, NO_FAULTS } from './fault-plan.js'
import type { Trace } from './trace.js'

export class Weather {
  faults: FaultPlan = NO_FAULTS
  /** How often each kind of fault happened. */
  readonly seen = new Map<string, number>()
  readonly #trace: Trace

  constructor(trace: Trace) {
    this.#trace = trace
  }

  /** A fault happened, to the one who is named. */
  note(what: string, who = 'world'): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1)
    this.#trace.add(who, () => `fault: ${what}`)
  }
}
