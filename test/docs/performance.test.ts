/** The page on performance is made of the results that lie beside the bench. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { GROWTHS } from '../bench/growth/all.js'
import { PAGE, pageWith, picturesOf } from '../bench/report/page.js'
import { IMAGES } from '../bench/report/sections.js'
import { readResults, RESULTS_FILE } from '../bench/results.js'
import { REPOSITORY } from '../support/processes.js'

const page = readFileSync(join(REPOSITORY, PAGE), 'utf8')
const results = readResults(RESULTS_FILE)

test('its tables are those of the results: npm run bench:report', () => {
  expect(pageWith(page, results)).toBe(page)
})

test('its pictures are drawn from the results, and no others lie there', () => {
  const folder = join(REPOSITORY, 'docs', IMAGES)
  const pictures = picturesOf(results)
  expect(readdirSync(folder).toSorted()).toEqual([...pictures.keys()].toSorted())
  for (const [name, text] of pictures) expect(readFileSync(join(folder, name), 'utf8'), name).toBe(text)
})

test('each growth has its plots, its figures and the command that measures it', () => {
  for (const { name, title, plots } of GROWTHS) {
    expect(page).toContain(`### ${title}\n`)
    expect(results.growth[name]?.points.length, name).toBeGreaterThan(1)
    for (const plot of plots) expect(page).toContain(`${IMAGES}/${name}-${plot.name}.svg`)
    expect(page).toContain(`npm run bench -- --part ${name}`)
  }
})

test('a page without a place for a section is refused', () => {
  expect(() => pageWith('# Performance\n', results)).toThrow('no place for')
})
