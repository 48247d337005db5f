/** One operation that a function asked for. */
import type { Answer } from './awaitable.js'
import type { Site, Told } from './divergence.js'
import type { Command } from './port.js'
import type { Scope } from './scope.js'

/** What is asked for; the scope makes the key. */
export interface Request extends Omit<Told, 'key'> {
  readonly scope: Scope
  readonly name: string
  /** The key that the user gave. */
  readonly givenKey: string | undefined
  readonly site: Site
  /** What begins it; undefined where it only waits. */
  readonly begin: (key: string) => Command | undefined
}

export interface Operation {
  readonly told: Told
  /** The turn in which it was asked for. */
  readonly turn: number
  /** Who waits for it; gone once that is settled. */
  answer: Answer | undefined
  /** Where it was asked for; gone once that can matter no more. */
  site: Site | undefined
  begin: (() => Command | undefined) | undefined
  /** What the journal knows, or will know: nothing, that it is under way, how it ended. */
  phase: 'unknown' | 'open' | 'over'
  /** Forgets it in its scope. */
  release: () => void
}

/** Answers whoever waits. What comes after that is told to nobody. */
export const settle = (operation: Operation, how: (answer: Answer) => void): void => {
  const { answer } = operation
  operation.answer = undefined
  operation.site = undefined
  operation.begin = undefined
  operation.release()
  if (answer !== undefined) how(answer)
}
