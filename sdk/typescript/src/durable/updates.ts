/**
 * Requests to a function, and what it says to them.
 *
 * D1  An update is taken when the function sees it, by the handler that it has then; without one it is refused, and so is a payload that does
 *     not fit. Which it is follows from the code and the order of the journal.
 * D2  It is answered once: what the journal holds is not said again, whatever the handler gives on a replay.
 * D3  What an earlier run refused is not handled, though newer code would.
 */
import { failureOf, fromUnknown } from '../errors/failure.js'
import { LIMITS } from '../limits.js'
import type { UpdateOutcome } from './entries.js'
import { refused } from './misuse.js'
import { failureOfThrown, succeeded } from './outcome.js'
import type { AnswerUpdate } from './port.js'

export interface UpdateHandler {
  /** Gives what is handled; throws, at once or later, for what does not fit. */
  readonly check: (payload: unknown) => unknown
  readonly run: (payload: unknown, id: string) => PromiseLike<unknown>
}

export class Updates {
  readonly #changed: () => void
  readonly #handlers = new Map<string, UpdateHandler>()
  readonly #recorded = new Set<string>()
  #answers: AnswerUpdate[] = []

  /** `changed` is called when there is something to record, though it be nobody's turn. */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** Throws for a name that has a handler. */
  handle(name: string, handler: UpdateHandler): void {
    if (this.#handlers.has(name)) throw refused('DUPLICATE_UPDATE', `the function has a handler of the update ${name} already`)
    this.#handlers.set(name, handler)
  }

  /** D1. */
  take(id: string, name: string, payload: unknown): void {
    const handler = this.#handlers.get(name)
    if (handler === undefined) return this.#refuse(id, 'UNKNOWN_UPDATE', this.#unknown(name))
    const refuse = (thrown: unknown): void => this.#refuse(id, 'UPDATE_REFUSED', fromUnknown(thrown).message)
    const run = (checked: unknown): void => {
      handler.run(checked, id).then(
        (value) => this.#answer(id, succeeded(value, `the update ${name}`, LIMITS.updateBytesMax)),
        (thrown: unknown) => this.#answer(id, { type: 'failed', failure: failureOfThrown(thrown) }),
      )
    }
    try {
      const checked = handler.check(payload)
      if (checked instanceof Promise) checked.then(run, refuse)
      else run(checked)
    } catch (thrown) {
      refuse(thrown)
    }
  }

  /** D2. */
  wasAnswered(id: string): void {
    this.#recorded.add(id)
    this.#answers = this.#answers.filter(({ key }) => key !== id)
  }

  /** What is to be recorded, once. */
  answers(): readonly AnswerUpdate[] {
    const answers = this.#answers
    this.#answers = []
    return answers
  }

  #answer(id: string, outcome: UpdateOutcome): void {
    if (this.#recorded.has(id)) return
    this.#answers.push({ type: 'answer', key: id, outcome })
    this.#changed()
  }

  #refuse(id: string, code: string, message: string): void {
    this.#answer(id, { type: 'refused', failure: { ...failureOf(code, message, false), errorType: 'UpdateError' } })
  }

  #unknown(name: string): string {
    const known = [...this.#handlers.keys()]
    const there = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`
    return `the function takes no update ${JSON.stringify(name)}: ${there}`
  }
}
