/** The page on reliability and the phases of the soak know each other. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PHASES } from '../soak/phases.js'
import { REPOSITORY } from '../support/processes.js'

const page = readFileSync(`${REPOSITORY}/docs/reliability.md`, 'utf8')

test('each phase has its section with the command that plays it, in the order of the list', () => {
  const sections = [...page.matchAll(/^### ([a-z-]+)$/gm)].map(([, name]) => name)
  expect(sections).toEqual(PHASES.map(({ name }) => name))
  for (const { name } of PHASES) expect(page).toContain(`npm run soak -- --only ${name}`)
})
