import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { budgetOf, OUR_RULES, partOf } from '../../bench/profile/budget.js'
import { foldProfile, shortPath, type CpuProfile } from '../../bench/profile/cpu-profile.js'
import { barText, flameOf, parseBar } from '../../bench/profile/flame.js'
import { REPOSITORY } from '../../support/processes.js'

const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: { functionName: '(root)', url: '' }, children: [2, 3, 6] },
    { id: 2, callFrame: { functionName: '(idle)', url: '' } },
    { id: 3, callFrame: { functionName: 'run', url: 'file:///x/server/dist/engine/task-runtime.js' }, children: [4, 5] },
    { id: 4, callFrame: { functionName: 'commitHash', url: 'file:///x/server/dist/log/commit-hash.js' } },
    { id: 5, callFrame: { functionName: 'query', url: 'file:///x/node_modules/pg/lib/client.js' } },
    { id: 6, callFrame: { functionName: '(garbage collector)', url: '' } },
  ],
  startTime: 1_000,
  samples: [3, 4, 2, 5, 6, 4, 4],
  timeDeltas: [0, 10, 20, 30, 40, 50, 60],
}

describe('a profile', () => {
  test('is folded without the time in which nothing ran', () => {
    const folded = foldProfile(profile, { fromUs: 0, toUs: 10_000 })
    expect(folded.us).toBe(10 + 20 + 40 + 50 + 60)
    expect(folded.children.map(({ frame, us }) => [frame.name, us])).toEqual([
      ['run', 130],
      ['(garbage collector)', 50],
    ])
  })

  test('counts nothing outside of its window', () => {
    expect(foldProfile(profile, { fromUs: 1_000, toUs: 1_011 }).us).toBe(10 + 20)
    expect(foldProfile(profile, { fromUs: 2_000, toUs: 3_000 }).us).toBe(0)
  })

  test('gives each part its time: the innermost of our files says for what', () => {
    const budget = budgetOf(foldProfile(profile, { fromUs: 0, toUs: 10_000 }))
    expect(budget).toMatchObject({ hash: 80, 'engine between them': 50, 'garbage collection': 50 })
    expect(Object.values(budget).reduce((sum, us) => sum + us, 0)).toBe(180)
  })

  test('is a flame with the shares of its functions, without those that are too narrow to see', () => {
    const flame = flameOf(foldProfile(profile, { fromUs: 0, toUs: 10_000 }))
    expect(flame).toEqual([
      { depth: 0, share: 100_000, name: 'all' },
      { depth: 1, share: 72_222, name: 'run server/engine/task-runtime.js' },
      { depth: 2, share: 44_444, name: 'commitHash server/log/commit-hash.js' },
      { depth: 2, share: 22_222, name: 'query pg' },
      { depth: 1, share: 27_778, name: '(garbage collector)' },
    ])
    expect(flame.map(barText).map(parseBar)).toEqual(flame)
    const narrow = { frame: { name: 'narrow', file: '' }, us: 1, selfUs: 1, children: [] }
    expect(flameOf({ frame: { name: 'all', file: '' }, us: 1_000, selfUs: 999, children: [narrow] })).toHaveLength(1)
  })
})

describe('the name of a file', () => {
  test.each([
    ['file:///x/server/dist/log/codec.js', 'server/log/codec.js'],
    ['file:///x/sdk/typescript/dist/worker/worker.js', 'sdk/typescript/worker/worker.js'],
    ['file:///x/node_modules/@grpc/grpc-js/build/src/call.js', '@grpc/grpc-js'],
    ['node:internal/process/task_queues', 'node:internal/process/task_queues'],
    ['', ''],
  ])('%s is %s', (url, short) => {
    expect(shortPath(url)).toBe(short)
  })
})

test('what a library does is for what the caller does', () => {
  const pg = { name: 'query', file: 'pg' }
  expect(partOf([{ name: 'append', file: 'server/log/postgres/postgres-log.js' }, pg])).toBe('append')
  expect(partOf([{ name: 'write', file: 'server/projections/write-statement.js' }, pg])).toBe('project')
  expect(partOf([pg])).toBe('PostgreSQL client: answers')
  expect(partOf([{ name: 'listen', file: 'node:events' }])).toBe('everything else')
})

test('each rule of the budget names files that are there', () => {
  const files = ['core', 'proto', 'server'].flatMap((room) => {
    const folder = join(REPOSITORY, room, 'src')
    if (!existsSync(folder)) throw new Error(`${folder} is not there`)
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${room}/${name.replace(/\.ts$/, '.js')}`)
  })
  for (const { file } of OUR_RULES) {
    // Each alternative of a pattern, not the pattern alone.
    const [, prefix = '', alternatives = ''] = /^\^([^(]*)\((.*)\)$/.exec(file.source) ?? []
    const parts = alternatives === '' ? [file.source] : splitAlternatives(alternatives).map((one) => `^${prefix}${one}`)
    for (const part of parts) expect(files.filter((name) => new RegExp(part).test(name)).length, part).toBeGreaterThan(0)
  }
})

/** At the bars outside of parentheses. */
const splitAlternatives = (text: string): readonly string[] => {
  const found: string[] = ['']
  let depth = 0
  for (const character of text) {
    if (character === '(') depth++
    if (character === ')') depth--
    if (character === '|' && depth === 0) found.push('')
    else found.push(`${found.pop() ?? ''}${character}`)
  }
  return found
}
