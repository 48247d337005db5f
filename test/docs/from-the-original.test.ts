/** Every row of `docs/from-the-original.md` names a test that is there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REPOSITORY } from '../support/processes.js'
import { pageText } from './markdown.js'

const PAGE = 'docs/from-the-original.md'
const ROW = /^\| (\d+|—) \|/
const SHOWN = /\| `(test\/[\w./-]+\.test\.ts)`: "(.+)" \|$/

/** The part of the page whose rows name no test: what is not here yet. */
const NOT_HERE = '## Not here'

const faultOf = (row: string): string | undefined => {
  const [, path, title] = SHOWN.exec(row) ?? []
  if (path === undefined || title === undefined) return `names no test: ${row}`
  const file = join(REPOSITORY, path)
  if (!existsSync(file)) return `${path} is not there`
  const source = readFileSync(file, 'utf8').replaceAll("\\'", "'")
  return source.includes(title) ? undefined : `${path} has no test "${title}"`
}

const rowsOf = (text: string): readonly string[] => text.split('\n').filter((line) => ROW.test(line))

test('each row names a test that is there', () => {
  const [shown = ''] = pageText(PAGE).split(NOT_HERE)
  const rows = rowsOf(shown)
  expect(rows.length).toBeGreaterThan(50)
  expect(rows.flatMap((row) => faultOf(row) ?? [])).toEqual([])
})

test('all features that the original never wired have a row', () => {
  const numbers = new Set(rowsOf(pageText(PAGE)).flatMap((row) => ROW.exec(row)?.[1] ?? []))
  expect(Array.from({ length: 24 }, (_, index) => String(index + 1)).filter((number) => !numbers.has(number))).toEqual([])
})

test('a row without a test, and one whose test is not there, are found', () => {
  expect(faultOf('| 1 | a | b | nothing |')).toContain('names no test')
  expect(faultOf('| 1 | a | b | `test/none.test.ts`: "x" |')).toContain('is not there')
  expect(faultOf('| 1 | a | b | `test/docs/links.test.ts`: "no such title" |')).toContain('has no test')
})
