/** The known name that a misspelt one most likely means. */
import type { Findings } from './problem.js'

/** More slips than this make another name. */
const SLIPS_MAX = 2
/** Longer names are not compared. */
const COMPARED_CHARS_MAX = 64

/** A hint, or nothing when no name is near or too much has been compared already. */
export const didYouMean = (findings: Findings, wrong: string, known: Iterable<string>): string | undefined => {
  let nearest: string | undefined
  let fewest = Math.min(SLIPS_MAX, Math.floor(wrong.length / 3)) + 1
  if (wrong.length > COMPARED_CHARS_MAX) return undefined
  for (const name of known) {
    if (findings.comparisonsLeft <= 0) break
    findings.comparisonsLeft--
    if (name.length > COMPARED_CHARS_MAX || Math.abs(name.length - wrong.length) >= fewest) continue
    const slips = slipsBetween(wrong.toLowerCase(), name.toLowerCase())
    if (slips >= fewest) continue
    fewest = slips
    nearest = name
  }
  return nearest === undefined ? undefined : `did you mean ${shown(nearest)}?`
}

const NAME_SHOWN_MAX = 80

/** A name in a message: quoted, with control characters escaped, and never longer than a line. */
export const shown = (name: string): string =>
  JSON.stringify(name.length <= NAME_SHOWN_MAX ? name : `${name.slice(0, NAME_SHOWN_MAX)}…`)

/** Letters to insert, drop, replace or swap with a neighbour (optimal string alignment). */
const slipsBetween = (a: string, b: string): number => {
  let before: readonly number[] = []
  let above: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a.charAt(row - 1) === b.charAt(column - 1)
      let best = Math.min(cell(above, column) + 1, cell(current, column - 1) + 1, cell(above, column - 1) + (same ? 0 : 1))
      const swapped =
        row > 1 && column > 1 && a.charAt(row - 1) === b.charAt(column - 2) && a.charAt(row - 2) === b.charAt(column - 1)
      if (swapped) best = Math.min(best, cell(before, column - 2) + 1)
      current.push(best)
    }
    before = above
    above = current
  }
  return cell(above, b.length)
}

const cell = (row: readonly number[], column: number): number => row[column] ?? 0
