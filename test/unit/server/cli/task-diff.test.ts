/** `tasker task diff`: what goes over the wire, what a person sees, and what the exit code says. */
import { afterEach, expect, test } from 'vitest'
import { json, type Standing, standing, tasker } from './command-line.js'

const open: Standing[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const [A, B] = ['01JD0000000000000000000000', '01JE0000000000000000000000']

const SAME = {
  a: A,
  b: B,
  same: true,
  first_divergence: null,
  status: null,
  template: null,
  input: [],
  only_in_a: [],
  only_in_b: [],
  steps: [],
  took_ms: { a: 10, b: null },
  times: [{ step_id: 'charge', started_after_ms: { a: 0, b: 1 }, took_ms: { a: 7, b: 9 } }],
  is_cut: false,
}

const asked = async (body: object, ...flags: readonly string[]) => {
  const server = await standing((_, response) => json(response, 200, body))
  open.push(server)
  const { exitCode, out } = await tasker(['task', 'diff', A, B, ...flags], { TASKER_URL: server.url })
  return { url: server.asked[0]?.url, exitCode, out }
}

test('two runs that differ in nothing but times exit with 0', async () => {
  const { url, exitCode, out } = await asked(SAME)
  expect([url, exitCode]).toEqual([`/v1/tasks/${A}/diff?other=${B}`, 0])
  expect(out).toContain('the two tasks differ in nothing but ids, times and workers')
  expect(out).toMatch(/took 10 ms and -/)
  expect(out).toMatch(/charge +7 ms +9 ms/)
})

test('two runs that differ exit with 1, and every difference is a line', async () => {
  const differing = {
    ...SAME,
    same: false,
    first_divergence: { step_id: 'charge', a: { version: 6, type: 'step.completed' }, b: null },
    status: { a: 'complete', b: 'error' },
    template: { a: 'order@1.0.0 x', b: 'order@1.0.1 y' },
    input: [{ path: '/id', a: '1', b: null }],
    only_in_a: ['gift'],
    only_in_b: ['scan'],
    steps: [
      {
        step_id: 'charge',
        status: { a: 'complete', b: 'error' },
        attempts: { a: 1, b: 3 },
        failure: { a: null, b: 'declined' },
        output: [{ path: '', a: '42', b: null }],
      },
    ],
  }
  const { exitCode, out } = await asked(differing)
  expect(exitCode).toBe(1)
  expect(out).toContain('they part at charge: step.completed (6) in A, nothing more in B')
  for (const line of [
    /task +template +order@1\.0\.0 x +order@1\.0\.1 y/,
    /task +status +complete +error/,
    /input +\/id +1 +-/,
    /gift +step +is there +-/,
    /scan +step +- +is there/,
    /charge +attempts +1 +3/,
    /charge +failure +- +declined/,
    /charge +output \/ +42 +-/,
  ])
    expect(out).toMatch(line)
  const raw = await asked(differing, '--json')
  expect([raw.exitCode, JSON.parse(raw.out)]).toEqual([1, differing])
})
