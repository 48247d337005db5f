/** What is said when Tasker itself is wrong: a bug stops the stream it was folding, never a neighbour. */

/** A broken promise of the code, not of its input. Only the stream quarantine and the process guard catch it. */
export class BugError extends Error {
  override readonly name = 'BugError'
}

export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new BugError(what)
}

/** The end of a `switch` over a union: a new member does not compile until it has an arm. */
export function unreachable(value: never): never {
  throw new BugError(`unexpected variant ${JSON.stringify(value)}`)
}

/** The element at an index that the caller knows to exist. */
export function elementAt<T>(list: readonly T[], index: number, what: string): T {
  const element = list[index]
  if (element === undefined) throw new BugError(`${what}: no element ${index} of ${list.length}`)
  return element
}

/** A value the caller knows to be there. */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new BugError(`${what} is missing`)
  return value
}
