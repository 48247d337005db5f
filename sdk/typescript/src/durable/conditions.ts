/**
 * Conditions on the function's own variables.
 *
 * T1  They are looked at whenever the function rests, in the order in which they were asked for, before it sees more: a replay looks at the
 *     same moments.
 */

export interface Condition {
  /** Looks at variables of the function alone; it may throw. */
  readonly holds: () => boolean
  /** Resumes who waits, or tells what the condition threw. */
  readonly settle: (outcome: { readonly type: 'holds' } | { readonly type: 'threw'; readonly error: unknown }) => void
}

export class Conditions {
  readonly #waiting = new Set<Condition>()

  /** Gives the way to wait no more. */
  wait(condition: Condition): () => void {
    this.#waiting.add(condition)
    return () => {
      this.#waiting.delete(condition)
    }
  }

  /** What resumes the first whose condition holds. */
  first(): (() => void) | undefined {
    for (const condition of this.#waiting) {
      const outcome = looked(condition)
      if (outcome === undefined) continue
      this.#waiting.delete(condition)
      return () => condition.settle(outcome)
    }
    return undefined
  }
}

const looked = ({ holds }: Condition): Parameters<Condition['settle']>[0] | undefined => {
  try {
    return holds() ? { type: 'holds' } : undefined
  } catch (error) {
    return { type: 'threw', error }
  }
}
