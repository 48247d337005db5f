/** The house is tidy, and each tidy rule sees a mess that was made on purpose. */
import { describe, expect, test } from 'vitest'
import {
  bannedNames,
  everyTestRuns,
  firstComment,
  migrationsNumbered,
  noDisabledCode,
  noLeftovers,
  type Rule,
  sqlInItsRooms,
  tidyRules,
} from './tidy.js'
import { foundIn, projectRoot, readTree } from './tree.js'

const project = readTree(projectRoot)

describe('the project', () => {
  test.each(Object.entries(tidyRules))('keeps the rule %s', (_name, rule) => {
    expect(rule(project)).toEqual([])
  })

  test('is seen whole by the rules', () => {
    expect(project.sources.some(({ path }) => path === 'core/src/kernel/decider.ts')).toBe(true)
    expect(project.sources.some(({ path }) => path === 'server/src/log/port.ts')).toBe(true)
    expect(project.sources.some(({ path }) => path === 'test/architecture/tidy.test.ts')).toBe(true)
    expect(project.sources.some(({ path }) => path.includes('node_modules') || path.includes('/dist/'))).toBe(false)
    expect(project.paths).toContain('migrations/0001_event_log.sql')
  })
})

const SAYS = '/** Says what it is. */\n'

interface Mess {
  readonly rule: Rule
  readonly path: string
  readonly text: string
}

const messes: Readonly<Record<string, Mess>> = {
  'a file called utils': { rule: bannedNames, path: 'core/src/utils.ts', text: SAYS },
  'a folder called helpers': { rule: bannedNames, path: 'core/src/helpers/one.ts', text: SAYS },
  'a class called a manager': { rule: bannedNames, path: 'core/src/one.ts', text: `${SAYS}export class TaskManager {}\n` },
  'a file without a first comment': { rule: firstComment, path: 'core/src/one.ts', text: 'export const one = 1\n' },
  'a first comment after the imports': {
    rule: firstComment,
    path: 'core/src/one.ts',
    text: `import type {} from './two.js'\n${SAYS}`,
  },
  'a first comment that is no sentence': { rule: firstComment, path: 'core/src/one.ts', text: '// one\nexport const one = 1\n' },
  'work left for later': { rule: noLeftovers, path: 'core/src/one.ts', text: `${SAYS}// TODO: finish\nexport const one = 1\n` },
  'a disabled statement': { rule: noDisabledCode, path: 'core/src/one.ts', text: `${SAYS}// const two = one + 1\n` },
  'a disabled import': { rule: noDisabledCode, path: 'core/src/one.ts', text: `${SAYS}// import { two } from './two.js'\n` },
  'a disabled block': {
    rule: noDisabledCode,
    path: 'core/src/one.ts',
    text: `${SAYS}/*\nif (one > 2) {\n  stop()\n}\n*/\nexport const one = 1\n`,
  },
  'a disabled call': { rule: noDisabledCode, path: 'core/src/one.ts', text: `${SAYS}// state.steps.push(one)\n` },
  'a test run alone': { rule: everyTestRuns, path: 'test/unit/one.test.ts', text: "test.only('one', () => {})\n" },
  'a test left out': { rule: everyTestRuns, path: 'test/unit/one.test.ts', text: "describe.each([1]).skip('one', () => {})\n" },
  'SQL in the engine': {
    rule: sqlInItsRooms,
    path: 'server/src/engine/one.ts',
    text: `${SAYS}export const one = 'select 1 from task'\n`,
  },
  'SQL with values in REST': {
    rule: sqlInItsRooms,
    path: 'server/src/rest/one.ts',
    text: `${SAYS}export const one = (id: string) => \`delete from task where id = \${id}\`\n`,
  },
  'a gap between migrations': { rule: migrationsNumbered, path: 'migrations/0002_two.sql', text: '-- Two.\n' },
  'a migration with another kind of name': { rule: migrationsNumbered, path: 'migrations/1-one.sql', text: '-- One.\n' },
}

describe('a mess that is found:', () => {
  test.each(Object.entries(messes))('%s', async (_name, { rule, path, text }) => {
    expect(await foundIn({ [path]: text }, rule)).toHaveLength(1)
  })
})

const fine: Readonly<Record<string, Mess>> = {
  'a word inside a string': {
    rule: noLeftovers,
    path: 'core/src/one.ts',
    text: `${SAYS}export const one = 'TODO // const two = 2'\n`,
  },
  'prose about code': {
    rule: noDisabledCode,
    path: 'core/src/one.ts',
    text: `${SAYS}// The step starts if its dependencies are satisfied (see \`readiness\`), else it waits.\nexport const one = 1\n`,
  },
  'an example in a doc comment': {
    rule: noDisabledCode,
    path: 'core/src/one.ts',
    text: `${SAYS}/**\n * Adds.\n * @example\n * const two = add(1, 1)\n */\nexport const one = 1\n`,
  },
  'a test with a condition': {
    rule: everyTestRuns,
    path: 'test/unit/one.test.ts',
    text: "test.skipIf(!root)('one', () => {})\n",
  },
  'SQL in its room': {
    rule: sqlInItsRooms,
    path: 'server/src/query/one.ts',
    text: `${SAYS}export const one = 'select 1 from task'\n`,
  },
  'an English sentence that begins like SQL': {
    rule: sqlInItsRooms,
    path: 'server/src/rest/one.ts',
    text: `${SAYS}export const one = 'Update the template first'\n`,
  },
  'a first comment after the line that names the interpreter': {
    rule: firstComment,
    path: 'server/bin/one.js',
    text: `#!/usr/bin/env node\n${SAYS}`,
  },
}

describe('what is fine:', () => {
  test.each(Object.entries(fine))('%s', async (_name, { rule, path, text }) => {
    expect(await foundIn({ [path]: text }, rule)).toEqual([])
  })
})
