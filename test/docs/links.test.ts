/** Pages name only what is there, and speak of the project alone. */
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { REPOSITORY } from '../support/processes.js'
import { anchorsOf, linksOf, pages, pageText } from './markdown.js'

const brokenLinks = (page: string, text: string): readonly string[] =>
  linksOf(text)
    .filter((target) => !/^https?:/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : normalize(join(dirname(page), path))
      if (!existsSync(join(REPOSITORY, file))) return true
      return anchor !== undefined && !anchorsOf(pageText(file)).has(anchor)
    })

test.each(pages())('every link of %s leads somewhere', (page) => {
  expect(brokenLinks(page, pageText(page))).toEqual([])
})

test('a link to a file or a heading that is not there is found', () => {
  const text =
    '[a](docs/none.md) [b](README.md#nowhere) [c](README.md#see-it-run) [d](https://example.org) [e](#here)\n\n## Here\n'
  expect(brokenLinks('CONTRIBUTING.md', text)).toEqual(['docs/none.md', 'README.md#nowhere', '#here'])
})

/** Files that pages name in code marks, such as `server/src/config.ts`. */
const namedFiles = (text: string): readonly string[] =>
  [...text.matchAll(/`((?:core|server|sdk|proto|test|docs|migrations)\/[\w./-]+\.(?:ts|js|proto|sql|md))`/g)].flatMap(
    ([, path]) => path ?? [],
  )

test.each(pages())('every file that %s names is there', (page) => {
  expect(namedFiles(pageText(page)).filter((path) => !existsSync(join(REPOSITORY, path)) && !/NNNN|REASON/.test(path))).toEqual(
    [],
  )
})

test('a rule that the architecture names stands in the file it names', () => {
  const rows = [...pageText('ARCHITECTURE.md').matchAll(/^\| ([A-Z])1–.*\| `([^`]+)`/gm)]
  expect(rows.length).toBeGreaterThan(10)
  const missing = rows.filter(([, letter = '', file = '']) => !new RegExp(`^(//|\\s*\\*) ${letter}1 `, 'm').test(pageText(file)))
  expect(missing.map(([row]) => row)).toEqual([])
})
