/** Puts the results of a batch's workers together under the name of the batch. */

export interface Gathers {
  /** Everything the step waits for. */
  readonly after: readonly string[]
  /** Those of it that are batches; their workers are called `{batch}_{id}`. */
  readonly batches: readonly string[]
}

/** One entry for each step and each batch of which there is a result, the parts of a batch in the order of the results. */
export const gathered = (results: ReadonlyMap<string, unknown>, { after, batches }: Gathers): ReadonlyMap<string, unknown> => {
  const shown = new Map<string, unknown>()
  const parts = new Map<string, unknown[]>()
  for (const [step, result] of results) {
    const batch = after.includes(step) ? undefined : batchOf(step, batches)
    const together = batch === undefined ? undefined : parts.get(batch)
    if (batch === undefined) shown.set(step, result)
    else if (together === undefined) parts.set(batch, [result])
    else together.push(result)
  }
  return new Map([...shown, ...parts])
}

// The longest name that fits: `import_lines_001` is of `import_lines`, though there may be a batch `import` beside it.
const batchOf = (step: string, batches: readonly string[]): string | undefined =>
  batches.filter((batch) => step.startsWith(`${batch}_`)).toSorted((one, other) => other.length - one.length)[0]
