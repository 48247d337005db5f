/** Work nobody waits for: it handles its own failures, and one it does not handle is a bug that ends the process. */

export const inBackground = (work: Promise<unknown>): void => {
  work.catch((bug: unknown) => {
    // Outside of any promise, so that nobody can swallow it.
    queueMicrotask(() => {
      throw bug
    })
  })
}
