/**
 * A promise that knows whether anybody waits for it.
 *
 * W1  It is settled by hand, once; what comes after that changes nothing.
 * W2  Rejecting one that nobody waits for is no unhandled rejection: a function is told of it at its end instead.
 */

/** Who settles it, and does not need to know its type. */
export interface Answer {
  resolve(value: unknown): void
  reject(error: unknown): void
}

export class Awaitable<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'Awaitable'
  readonly #promise: Promise<T>
  readonly #resolve: (value: T) => void
  readonly #reject: (error: unknown) => void
  #onAwaited: (() => void) | undefined

  /** `onAwaited` is called once, when somebody begins to wait. */
  constructor(onAwaited: () => void) {
    this.#onAwaited = onAwaited
    let resolve: ((value: T) => void) | undefined
    let reject: ((error: unknown) => void) | undefined
    this.#promise = new Promise<T>((settle, refuse) => {
      resolve = settle
      reject = refuse
    })
    this.#promise.catch(() => undefined)
    this.#resolve = (value) => resolve?.(value)
    this.#reject = (error) => reject?.(error)
  }

  resolve(value: T): void {
    this.#resolve(value)
  }

  reject(error: unknown): void {
    this.#reject(error)
  }

  then<Value = T, Caught = never>(
    onFulfilled?: ((value: T) => Value | PromiseLike<Value>) | null,
    onRejected?: ((reason: unknown) => Caught | PromiseLike<Caught>) | null,
  ): Promise<Value | Caught> {
    this.#isAwaited()
    return this.#promise.then(onFulfilled, onRejected)
  }

  catch<Caught = never>(onRejected?: ((reason: unknown) => Caught | PromiseLike<Caught>) | null): Promise<T | Caught> {
    this.#isAwaited()
    return this.#promise.catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    this.#isAwaited()
    return this.#promise.finally(onFinally)
  }

  #isAwaited(): void {
    this.#onAwaited?.()
    this.#onAwaited = undefined
  }
}
