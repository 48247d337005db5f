/** Every command and every snippet of the pages, run. */
import { expect, test } from 'vitest'
import { blocksOf, pages, pageText } from '../../docs/markdown.js'
import { documentProblems } from './document.js'

const withBlocks = pages().filter((page) => blocksOf(pageText(page)).some(({ verb }) => verb !== 'picture'))

test.each(withBlocks)(
  'what %s says can be done',
  async (page) => {
    expect(await documentProblems(page)).toEqual([])
  },
  300_000,
)

const page = (...blocks: readonly (readonly [mark: string, language: string, text: string])[]): string =>
  blocks.map(([mark, language, text]) => `<!-- docs: ${mark} -->\n\`\`\`${language}\n${text}\n\`\`\`\n`).join('\n')

test.each([
  ['a command that fails', page(['run', 'sh', 'exit 3']), 'planted:2: ended with 3'],
  ['a line that is not printed', page(['run', 'sh', 'echo one'], ['output', 'text', 'two']), 'planted:7: not printed: two'],
  ['a template with a problem', page(['file a.yaml', 'yaml', 'name: a']), 'planted:2: ended with 1'],
  ['a program that does not compile', page(['file a.ts', 'ts', "export const one: number = 'a'"]), 'planted:2: ended with 2'],
  ['a program that fails', page(['program a.js', 'js', "throw new Error('no')"]), 'planted:2: ended with 1'],
  ['a block that nobody runs', page(['look', 'sh', 'ls']), 'planted:2: nobody runs this block'],
])(
  '%s is found',
  async (_name, text, problem) => {
    const problems = await documentProblems('planted', text)
    expect(problems).toHaveLength(1)
    expect(problems[0]?.startsWith(problem), problems[0]).toBe(true)
  },
  60_000,
)
