import { expect, test } from 'vitest'
import { blocksOf, pages, pageText } from './markdown.js'
import { markProblems, missingLines } from './plan.js'

test.each(pages())('every block of %s says what is done with it', (page) => {
  expect(markProblems(blocksOf(pageText(page)))).toEqual([])
})

const fence = (language: string, mark: string, text = 'x'): string => `${mark}\n\`\`\`${language}\n${text}\n\`\`\`\n`

test.each([
  ['a block without a mark', fence('sh', ''), ['2: nobody runs this block']],
  ['a mark that means nothing', fence('sh', '<!-- docs: look -->'), ['2: nobody knows what "look" does']],
  ['a command that is called a picture', fence('sh', '<!-- docs: picture -->'), ['2: "picture" is not for sh']],
  ['a plain block', fence('', '<!-- docs: run -->'), ['2: "run" is not for a plain block']],
  ['a file without a path', fence('yaml', '<!-- docs: file -->'), ['2: "file" needs the path of a file']],
  ['an output without a run', fence('text', '<!-- docs: output -->'), ['2: no run stands before this output']],
])('%s is found', (_name, page, problems) => {
  expect(markProblems(blocksOf(page))).toEqual(problems)
})

test('a block that is not closed is found', () => {
  expect(() => blocksOf('```sh\nls\n')).toThrow('the block of line 1 is not closed')
})

test('an expected line that was not printed, or not in this order, is found', () => {
  expect(missingLines('task … is complete\n', 'task 01 is complete\n')).toEqual([])
  expect(missingLines('b\na\n', 'a\nb\n')).toEqual(['a'])
  expect(missingLines('a.c\n', 'abc\n')).toEqual(['a.c'])
})
