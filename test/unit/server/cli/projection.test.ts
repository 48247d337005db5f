/** `tasker projection`: what goes over the wire, what a person sees, and how it ends. */
import { afterEach, expect, test } from 'vitest'
import { json, type Standing, standing, tasker } from './command-line.js'

const open: Standing[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const DIFFERENCE = {
  projection: 'task',
  kind: 'changed',
  row: { task_id: '01JD0000000000000000000000' },
  column: 'status',
  expected: 'complete',
  found: 'pending',
  version: 9,
}

const TASK = {
  name: 'task',
  version: 1,
  program_version: 1,
  built_at: '2030-01-31T08:00:00.000Z',
  lag_commits: 3,
  lag_ms: 40,
  rebuild: null,
  differences: null,
}

const VERIFICATION = {
  state: 'done',
  projections: ['task'],
  streams: 12,
  differences: {},
  first_difference: null,
  unreadable_streams: 0,
  first_unreadable: null,
  not_compared: [],
  problem: null,
}

/** Answers one after another, the last one again and again. */
const answering = async (...answers: readonly object[]): Promise<Standing> => {
  const server = await standing((_, response, count) => json(response, 200, answers[count - 1] ?? answers.at(-1) ?? {}))
  open.push(server)
  return server
}

const run = async (server: Standing, ...args: readonly string[]) => tasker(['projection', ...args], { TASKER_URL: server.url })

test('status shows versions, lag, rebuilds that do not get on, and differences', async () => {
  const server = await answering({
    projections: [
      TASK,
      {
        ...TASK,
        name: 'timer',
        rebuild: { phase: 'folding', streams: 400, problem: 'the disk is full' },
        differences: { rows: 2, first: DIFFERENCE },
      },
    ],
  })
  const { exitCode, out } = await run(server, 'status')
  expect(exitCode).toBe(0)
  expect(out).toMatch(/task +1 +2030-01-31T08:00:00\.000Z +3 commits, 40 ms/)
  expect(out).toMatch(/timer .*folding, 400 streams +2 rows/)
  expect(out).toContain('timer: the disk is full')
  expect(JSON.parse((await run(server, 'status', '--json')).out)).toMatchObject({ projections: [{ name: 'task' }, {}] })
})

test('rebuild asks, and waits when it is told to', async () => {
  const rebuild = { phase: 'waiting', streams: 0, problem: null }
  const asked = await answering({ ...TASK, rebuild })
  const { out } = await run(asked, 'rebuild', 'task')
  expect(asked.asked.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /v1/projections/task/rebuild'])
  expect(out).toContain('task is being built anew')
  const waited = await answering({ ...TASK, rebuild }, { projections: [{ ...TASK, rebuild }] }, { projections: [TASK] })
  expect((await run(waited, 'rebuild', 'task', '--wait')).out).toBe('task was built anew at 2030-01-31T08:00:00.000Z\n')
  expect(waited.asked).toHaveLength(3)
})

test('verify waits for the end, and ends with 1 when a row differs', async () => {
  const running = { verification: { ...VERIFICATION, state: 'running' } }
  const clean = await answering(running, running, { verification: VERIFICATION })
  const fine = await run(clean, 'verify', 'task')
  expect(fine.exitCode).toBe(0)
  expect(fine.out).toBe('the rows are what the log says (12 streams)\n')
  expect(clean.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'POST /v1/projections/verify?name=task',
    'GET /v1/projections/verify',
    'GET /v1/projections/verify',
  ])
  const wrong = await answering({
    verification: {
      ...VERIFICATION,
      differences: { task: 3 },
      first_difference: DIFFERENCE,
      unreadable_streams: 2,
      first_unreadable: { stream: 'task x', position: '0:7', message: 'an unknown event' },
      not_compared: ['activity: a stream cannot be read to its end'],
    },
  })
  const { exitCode, out } = await run(wrong, 'verify')
  expect(exitCode).toBe(1)
  expect(out).toContain('3 rows differ from the log; the first one:')
  expect(out).toContain('task 01JD0000000000000000000000: status is pending, the log says complete, at version 9')
  expect(out).toContain('2 streams cannot be read, first task x from position 0:7 on: an unknown event')
  expect(out).toContain('not compared: activity: a stream cannot be read to its end')
  expect((await run(wrong, 'verify', '--json')).exitCode).toBe(1)
})

test.each([
  ['missing', '  task 01JD0000000000000000000000: the row is missing, at version 9'],
  ['unexpected', '  task 01JD0000000000000000000000: the row should not be there'],
])('a row that is %s is told so', async (kind, sentence) => {
  const first_difference = { ...DIFFERENCE, kind, column: null, expected: null, found: null }
  const server = await answering({ verification: { ...VERIFICATION, differences: { task: 1 }, first_difference } })
  expect((await run(server, 'verify')).out).toContain(sentence)
})

test('a comparison that failed is no success', async () => {
  const server = await answering({ verification: { ...VERIFICATION, state: 'failed', problem: 'the database is away' } })
  const { exitCode, out } = await run(server, 'verify')
  expect(exitCode).toBe(1)
  expect(out).toContain('the comparison ended early: the database is away')
})
