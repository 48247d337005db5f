/** Lines of a text that comes in parts. Unlike `readline`, what goes wrong with the source is thrown to whoever reads. */
import type { Readable } from 'node:stream'

export interface Line {
  readonly text: string
  /** Whether its newline is there; without one it is what a crash left, or the last of a file made by hand. */
  readonly isWhole: boolean
}

/** Ends the source when the reader stops early. */
export async function* linesIn(source: Readable): AsyncGenerator<Line> {
  source.setEncoding('utf8')
  let rest = ''
  for await (const part of source) {
    const lines = (rest + String(part)).split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) yield { text, isWhole: true }
  }
  if (rest !== '') yield { text: rest, isWhole: false }
}
