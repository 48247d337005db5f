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
