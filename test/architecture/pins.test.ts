/** Sources and documents agree, and each pin is seen to break. */
import { describe, expect, test } from 'vitest'
import { contractNames, glossaryWords, metricNames, reasonPages, reasonsOf } from './pins.js'
import { foundIn, projectRoot, readTree } from './tree.js'

const project = readTree(projectRoot)

describe('in the project', () => {
  test('every reason a refusal or a fault carries has its page, and every page its reason', () => {
    expect(reasonPages(project)).toEqual([])
  })

  test('the reasons of the task decider are among those that were found', () => {
    expect(reasonsOf(project)).toEqual(expect.arrayContaining(['LEASE_LOST', 'TASK_NOT_FOUND', 'UNKNOWN_STEP']))
  })

  test('every metric is listed, and every listed metric is registered', () => {
    expect(metricNames(project)).toEqual([])
  })

  test('the glossary explains every word of the project', () => {
    expect(glossaryWords(project)).toEqual([])
  })

  test('the contract names every event and every status', () => {
    expect(contractNames(project)).toEqual([])
  })
})

const page = (name: string): readonly [string, string] => [`docs/errors/${name}.md`, `# ${name}\n\nWhat it means.\n`]

describe('reasons and pages', () => {
  test.each([
    ['a fault literal', "throw new Fault({ code: 'INTERNAL', reason: 'LOST', message: '' })\n"],
    ['one branch of a choice', "const f = (a: boolean) => ({ reason: a ? 'KNOWN' : 'LOST' })\n"],
    ['a member of a union of reasons', "export type TaskRefusalReason = 'KNOWN' | 'LOST'\n"],
    [
      'a call of a function that takes a reason',
      "const no = (at: string, reason: string) => ({ at, reason })\nno('x', 'LOST')\n",
    ],
  ])('%s without a page is found', async (_name, text) => {
    const found = await foundIn({ 'server/src/one.ts': text, ...Object.fromEntries([page('KNOWN')]) }, reasonPages)
    expect(found).toContain('LOST: has no page docs/errors/LOST.md')
  })

  test('a page that nothing leads to is found', async () => {
    const found = await foundIn(Object.fromEntries([page('FORGOTTEN')]), reasonPages)
    expect(found).toEqual(['docs/errors/FORGOTTEN.md: nothing says FORGOTTEN'])
  })

  test('a page with another title is found', async () => {
    const files = { 'server/src/one.ts': "const f = { reason: 'LOST' }\n", 'docs/errors/LOST.md': '# Lost\n' }
    expect(await foundIn(files, reasonPages)).toEqual(['docs/errors/LOST.md: its title is not "# LOST"'])
  })

  test('a reason with its page, and a reason in the words of a person, are fine', async () => {
    const files = { 'server/src/one.ts': "const f = { reason: 'LOST' }\nconst g = { reason: 'customer left' }\n" }
    expect(await foundIn({ ...files, ...Object.fromEntries([page('LOST')]) }, reasonPages)).toEqual([])
  })
})

describe('metrics and their page', () => {
  const telemetry = "const one = counter('tasker_one_total')\nconst prefix = 'tasker_process_'\n"

  test('an unlisted metric is found', async () => {
    const found = await foundIn({ 'server/src/telemetry/metrics.ts': telemetry, 'docs/metrics.md': '' }, metricNames)
    expect(found).toEqual(['tasker_one_total: is not listed in docs/metrics.md'])
  })

  test('a listed metric that nobody registers is found', async () => {
    const listed = '`tasker_one_total` `tasker_two_total` `tasker_process_cpu_seconds_total`'
    const found = await foundIn({ 'server/src/telemetry/metrics.ts': telemetry, 'docs/metrics.md': listed }, metricNames)
    expect(found).toEqual(['docs/metrics.md: nothing registers tasker_two_total'])
  })
})

test('a glossary without a word is found', async () => {
  const all = (await foundIn({}, glossaryWords)).map((line) => /\*\*.+\*\*/.exec(line)?.[0] ?? '')
  expect(all.length).toBeGreaterThan(30)
  expect(await foundIn({ 'GLOSSARY.md': all.join('\n') }, glossaryWords)).toEqual([])
  const lacking = all.filter((word) => word !== '**lease**').join('\n')
  expect(await foundIn({ 'GLOSSARY.md': lacking }, glossaryWords)).toEqual(['GLOSSARY.md: does not explain **lease**'])
})

test('an event or a status that the contract does not name is found', async () => {
  const files = {
    'core/src/task/events.ts': "export interface Done {\n  readonly type: 'task.done'\n}\n",
    'core/src/task/status.ts': "export type TaskStatus = 'complete' | 'lost'\n",
    'docs/contract.md': '`complete`',
  }
  const found = await foundIn(files, contractNames)
  expect(found).toEqual(['docs/contract.md: does not name `task.done`', 'docs/contract.md: does not name `lost`'])
})
