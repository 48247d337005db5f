/** Decisions about one identity, one after another: two submissions that both find it free must not both take it. */
import { inBackground } from '../background.js'

export class IdentityLines {
  /** The last decision of each identity that is being decided about. */
  readonly #last = new Map<string, Promise<void>>()

  /** Runs the decision when all earlier ones about the scope are made. It must not reject. */
  run(scope: string, decide: () => Promise<void>): void {
    const before = this.#last.get(scope)
    const decided = before === undefined ? decide() : before.then(decide)
    this.#last.set(scope, decided)
    inBackground(
      decided.then(() => {
        if (this.#last.get(scope) === decided) this.#last.delete(scope)
      }),
    )
  }
}
