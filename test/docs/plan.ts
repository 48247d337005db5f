/**
 * What the tests do with the blocks of a page.
 *
 * B1  Every block is marked, so that nobody can write one that is never run.
 * B2  `file PATH` writes a file; `run` is a shell that must end with 0; `background` is a shell that goes on; `server` is one that is waited
 *     for until it says that it is ready; `program PATH` is a file that is run to its end; `output` is what the run before printed, with `…` for
 *     anything; `sql` is asked of the server's database; `start` are the two commands of the first start.
 * B3  `picture` is text that is looked at, not run; it is the only mark that does nothing, and only `text` may have it.
 */
import type { Block } from './markdown.js'

const LANGUAGES_OF: { readonly [verb: string]: readonly string[] } = {
  file: ['yaml', 'js', 'ts', 'json'],
  run: ['sh'],
  background: ['sh'],
  server: ['sh'],
  program: ['js', 'ts'],
  output: ['text', 'json'],
  sql: ['sql'],
  start: ['sh'],
  picture: ['text'],
}

const WITH_PATH = new Set(['file', 'program'])
const PATH = /^[a-z0-9-]+(\/[a-z0-9-]+)*\.(yaml|js|ts|json)$/

/** What is wrong with the marks of a page: `line: what`. */
export const markProblems = (blocks: readonly Block[]): readonly string[] =>
  blocks.flatMap((block, index) => {
    const { line, language, verb, argument } = block
    if (verb === undefined) return [`${line}: nobody runs this block`]
    const languages = LANGUAGES_OF[verb]
    if (languages === undefined) return [`${line}: nobody knows what "${verb}" does`]
    if (!languages.includes(language)) return [`${line}: "${verb}" is not for ${language === '' ? 'a plain block' : language}`]
    if (WITH_PATH.has(verb) && !PATH.test(argument)) return [`${line}: "${verb}" needs the path of a file`]
    const before = blocks[index - 1]?.verb
    if (verb === 'output' && before !== 'run' && before !== 'program') return [`${line}: no run stands before this output`]
    return []
  })

/** Lines of an expected output that the printed text does not hold, in their order. */
export const missingLines = (expected: string, printed: string): readonly string[] => {
  const lines = printed.split('\n').map((line) => line.trim())
  let from = 0
  return expected
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .filter((line) => {
      const pattern = new RegExp(`^${line.split('…').map(literal).join('.*')}$`)
      const at = lines.findIndex((candidate, index) => index >= from && pattern.test(candidate))
      if (at >= 0) from = at + 1
      return at === -1
    })
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
