/**
 * Scopes: the part of a function whose names are its own, and which is cancelled as a whole.
 *
 * C1  Cancelling a scope rejects what is pending in it and below it, and whatever is asked for in it from then on.
 * C2  A shielded scope is not cancelled from above: what cleans up runs to its end.
 * C3  A scope that has ended takes no more operations.
 */
import type { CancelledError } from '../errors/handler-errors.js'
import { Keys } from './keys.js'

/** What hears that its scope is cancelled. */
export interface Cancellable {
  readonly abandon: (error: CancelledError) => void
}

export class Scope {
  readonly path: string
  readonly keys: Keys
  /** What a function did is taken back in it, however many operations the function had. */
  readonly goesBack: boolean
  readonly #pending = new Set<Cancellable>()
  /** Made when somebody looks: few functions do, and it costs more than all else of a scope. */
  #controller: AbortController | undefined
  #cancelled: CancelledError | undefined
  #closed = false

  constructor(path: string, goesBack = false) {
    this.path = path
    this.goesBack = goesBack
    this.keys = new Keys(path)
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#cancelled !== undefined) this.#controller.abort(this.#cancelled)
    }
    return this.#controller.signal
  }

  get cancelled(): CancelledError | undefined {
    return this.#cancelled
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Gives the way to be forgotten again. */
  hold(pending: Cancellable): () => void {
    this.#pending.add(pending)
    return () => {
      this.#pending.delete(pending)
    }
  }

  /** A scope that is cancelled with this one, unless it is shielded. */
  below(path: string, shielded = false): Scope {
    const scope = new Scope(path)
    if (shielded) return scope
    if (this.#cancelled !== undefined) scope.cancel(this.#cancelled)
    else scope.#release = this.hold({ abandon: (error) => scope.cancel(error) })
    return scope
  }

  #release: (() => void) | undefined

  cancel(error: CancelledError): void {
    if (this.#cancelled !== undefined || this.#closed) return
    this.#cancelled = error
    this.#controller?.abort(error)
    for (const pending of [...this.#pending]) pending.abandon(error)
    this.#pending.clear()
  }

  close(): void {
    this.#closed = true
    this.#release?.()
  }
}
