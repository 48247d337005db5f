import { expect, test } from 'vitest'
import { PLANTED_BUGS } from './planted-bugs.js'
import { failureOf, lineOf, mediansOf, summaryOf } from './report.js'
import { runSeed } from './run.js'

const TIMEOUT_MS = 120_000

/** A world with a late owner that writes where it must not. */
const broken = async () => {
  const plant = PLANTED_BUGS.find((bug) => bug().name === 'skip the fence')
  for (let seed = 1; seed < 20; seed++) {
    const report = await runSeed(seed, plant === undefined ? {} : { bug: plant() })
    if (report.violations.length > 0) return report
  }
  throw new Error('nothing is wrong')
}

test('a run that failed says one command that replays it, what happened before, and the history of the task', {
  timeout: TIMEOUT_MS,
}, async () => {
  const report = await broken()
  const lines = failureOf(report)?.split('\n') ?? []
  const taskId = report.violations[0]?.taskId
  expect(lines[0]).toBe(`--seed ${report.seed}: ${report.violations[0]?.what}`)
  expect(lines.at(-1)).toBe(`replay it with: npm run sim -- --seed ${report.seed} --trace`)
  expect(lines).toContain('what happened before it:')
  const about = lines.slice(lines.indexOf(`all about ${taskId}:`) + 1)
  expect(about[0]).toMatch(
    new RegExp(`^ +[0-9.]+s +log +[0-9]:[0-9]+ task ${taskId} by node-[0-9]+ \\(submit .*v1 task.submitted`),
  )
  expect(about.filter((line) => !line.includes(taskId ?? ''))).toEqual(['', lines.at(-1)])
})

test('what is wrong is reported at the event where it first is', { timeout: TIMEOUT_MS }, async () => {
  const report = await broken()
  const [first] = report.violations
  const [before] = report.trace.before(first?.place ?? 0).slice(-1)
  // The commit of the wrong owner is the last line before the words about it, and the run ends there.
  const [, writer, place] = /^I27 (node-\d+) wrote .* to (\d+:\d+),/.exec(first?.what ?? '') ?? []
  expect(before).toMatch(new RegExp(`log +${place} .* by ${writer} `))
  expect(report.virtualMs).toBeLessThan(90_000)
})

test('a run that held has no failure, and a line and medians for people', { timeout: TIMEOUT_MS }, async () => {
  const report = await runSeed(7)
  expect(failureOf(report)).toBeUndefined()
  const summary = summaryOf(report)
  expect(lineOf(summary)).toMatch(/^seed 7: \d+ tasks, \d+ events, .* virtual s; \d+ × /)
  const calm = { ...summary, tasks: 0, events: 0, faults: [] }
  const wild = { ...summary, tasks: 9, events: 9, faults: [['stream cut', 2] as const, ['answer lost', 3] as const] }
  expect(mediansOf([wild, calm, { ...wild, tasks: 5, events: 6 }])).toEqual({ tasks: 5, events: 6, faults: 5 })
})
