/** `npm run bench:report [-- --results FILE]`: writes the made sections of the page, and its pictures, from what a bench has kept. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { REPOSITORY } from '../support/processes.js'
import { PAGE, pageWith, picturesOf } from './report/page.js'
import { IMAGES } from './report/sections.js'
import { readResults, RESULTS_FILE } from './results.js'

const { values } = parseArgs({ options: { results: { type: 'string', default: RESULTS_FILE } } })

const results = readResults(values.results)
const page = join(REPOSITORY, PAGE)
writeFileSync(page, pageWith(readFileSync(page, 'utf8'), results))

const folder = join(REPOSITORY, 'docs', IMAGES)
mkdirSync(folder, { recursive: true })
const pictures = picturesOf(results)
for (const [name, text] of pictures) writeFileSync(join(folder, name), text)
for (const name of readdirSync(folder)) if (!pictures.has(name)) rmSync(join(folder, name))
process.stdout.write(`${PAGE} and ${pictures.size} pictures were written\n`)
