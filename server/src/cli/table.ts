/** Lists for people: columns under headings, without borders. */
import Table from 'cli-table3'
import { type Terminal } from './terminal.js'

const NO_BORDERS = Object.fromEntries(
  [
    'top',
    'top-mid',
    'top-left',
    'top-right',
    'bottom',
    'bottom-mid',
    'bottom-left',
    'bottom-right',
    'left',
    'left-mid',
    'mid',
    'mid-mid',
    'right',
    'right-mid',
  ].map((part) => [part, '']),
)

/** Writes the rows under their headings, or the sentence when there are none. */
export const writeTable = (
  terminal: Terminal,
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  whenEmpty: string,
): void => {
  if (rows.length === 0) return terminal.out(whenEmpty)
  const table = new Table({
    head: headings.map((heading) => terminal.colours.dim(heading)),
    chars: { ...NO_BORDERS, middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) table.push([...row])
  for (const line of table.toString().split('\n')) terminal.out(line.trimEnd())
}
