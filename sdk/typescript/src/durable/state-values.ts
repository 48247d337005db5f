/** What a function shows to queries: the last value of each name counts, and only what is new has to be recorded. */
import { LIMITS } from '../limits.js'
import { refused } from './misuse.js'

export class StateValues {
  readonly #recorded = new Map<string, string>()
  readonly #wanted = new Map<string, string>()

  /** `value` is JSON text. Throws for one name too many. */
  set(name: string, value: string): void {
    if (!this.#wanted.has(name) && this.#wanted.size >= LIMITS.stateKeysMax) {
      throw refused(
        'TOO_MANY_STATE_KEYS',
        `${name} would be one more than the ${LIMITS.stateKeysMax} names of state a function may have`,
      )
    }
    this.#wanted.set(name, value)
  }

  wasRecorded(name: string, value: string): void {
    this.#recorded.set(name, value)
  }

  /** What differs from what is recorded, and from now on counts as recorded. */
  changes(): readonly (readonly [string, string])[] {
    const changes = [...this.#wanted].filter(([name, value]) => this.#recorded.get(name) !== value)
    for (const [name, value] of changes) this.#recorded.set(name, value)
    return changes
  }
}
