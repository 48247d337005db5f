/** What changed between two texts, line by line, for people. */

/** Unchanged lines shown around a change. */
const AROUND = 2
/** Lines of a diff that are shown. */
const SHOWN_MAX = 200
/** Cells of the table of common lines; above, the whole changed middle is shown as replaced. */
const CELLS_MAX = 4_000_000

interface Line {
  readonly sign: ' ' | '-' | '+'
  readonly text: string
}

/** Lines of `before` that are gone begin with `-`, new ones of `after` with `+`; empty when nothing changed. */
export const lineDiff = (before: string, after: string): string => {
  if (before === after) return ''
  const lines = diffOf(before.split('\n'), after.split('\n'))
  const near = new Set(
    lines.flatMap((line, at) => (line.sign === ' ' ? [] : Array.from({ length: 2 * AROUND + 1 }, (_, i) => at - AROUND + i))),
  )
  const shown = lines.flatMap((line, at) => {
    if (near.has(at)) return [`${line.sign} ${line.text}`]
    return at === 0 || near.has(at - 1) ? ['…'] : []
  })
  const rest = shown.length - SHOWN_MAX
  return (rest > 0 ? [...shown.slice(0, SHOWN_MAX), `… ${rest} more lines`] : shown).join('\n')
}

const diffOf = (before: readonly string[], after: readonly string[]): readonly Line[] => {
  let start = 0
  while (start < Math.min(before.length, after.length) && before[start] === after[start]) start++
  let end = 0
  while (end < Math.min(before.length, after.length) - start && before.at(-1 - end) === after.at(-1 - end)) end++
  return [
    ...before.slice(0, start).map((text): Line => ({ sign: ' ', text })),
    ...middleOf(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map((text): Line => ({ sign: ' ', text })),
  ]
}

/** By the longest common subsequence. */
const middleOf = (before: readonly string[], after: readonly string[]): readonly Line[] => {
  const gone = (text: string): Line => ({ sign: '-', text })
  const come = (text: string): Line => ({ sign: '+', text })
  const width = after.length + 1
  if ((before.length + 1) * width > CELLS_MAX) return [...before.map(gone), ...after.map(come)]
  const shared = new Uint32Array((before.length + 1) * width)
  const at = (row: number, column: number): number => shared[row * width + column] ?? 0
  for (let row = before.length - 1; row >= 0; row--)
    for (let column = after.length - 1; column >= 0; column--)
      shared[row * width + column] =
        before[row] === after[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
  const lines: Line[] = []
  let [row, column] = [0, 0]
  while (row < before.length || column < after.length) {
    const [old, fresh] = [before[row], after[column]]
    if (old !== undefined && old === fresh) {
      lines.push({ sign: ' ', text: old })
      row++
      column++
    } else if (old !== undefined && (fresh === undefined || at(row + 1, column) >= at(row, column + 1))) {
      lines.push(gone(old))
      row++
    } else {
      lines.push(come(fresh ?? ''))
      column++
    }
  }
  return lines
}
