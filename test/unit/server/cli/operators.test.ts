/** `tasker step …` and the orders of `tasker task …`: what goes over the wire, and what a person sees. */
import { afterEach, expect, test } from 'vitest'
import { json, type Standing, standing, tasker } from './command-line.js'

const open: Standing[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const TASK = '01JD0000000000000000000000'

const asked = async (
  args: readonly string[],
  body: object,
  exit = 0,
): Promise<{ readonly server: Standing; readonly out: string }> => {
  const server = await standing((_, response) => json(response, 200, body))
  open.push(server)
  const { exitCode, out } = await tasker(args, { TASKER_URL: server.url })
  expect(exitCode).toBe(exit)
  return { server, out }
}

test.each([
  ['pause', 'paused'],
  ['resume', 'resumed'],
  ['retry', 'goes on'],
  ['resolve', 'resolved'],
])('%s is ordered with who and why', async (order, said) => {
  const { server, out } = await asked(['task', order, TASK, '--reason', 'gateway down', '--by', 'ann'], { task_id: TASK })
  expect(server.asked[0]).toMatchObject({
    method: 'POST',
    url: `/v1/tasks/${TASK}/${order}`,
    body: '{"reason":"gateway down","by":"ann"}',
  })
  expect(out).toBe(`task ${TASK} ${said}\n`)
})

const REPORT = {
  action: 'retry',
  dry_run: true,
  matched: 1,
  done: 0,
  refused: 0,
  failed: 0,
  tasks: [{ task_id: TASK, status: 'blocked_by_failures', outcome: 'would' }],
  next_cursor: 'c2',
}

test('an order to many says its filter, and shows what would be done', async () => {
  const { server, out } = await asked(
    [
      'task',
      'bulk',
      '--action',
      'retry',
      '--name',
      'order',
      '--status',
      'blocked_by_failures',
      '--namespace',
      'shop',
      '--dry-run',
    ],
    REPORT,
  )
  expect(JSON.parse(server.asked[0]?.body ?? '')).toEqual({
    action: 'retry',
    filter: { namespace: 'shop', name: 'order', status: ['blocked_by_failures'] },
    dry_run: true,
    limit: 50,
  })
  expect(out).toMatch(/blocked_by_failures +would/)
})

test('an order that a task refused ends with 1 and says why', async () => {
  const tasks = [{ task_id: TASK, status: 'complete', outcome: 'refused', message: 'The task order is completed.' }]
  const { out } = await asked(['task', 'bulk', '--action', 'pause', '--tag', 'x'], { ...REPORT, refused: 1, tasks }, 1)
  expect(out).toContain('The task order is completed.')
})

test('a bulk order without an action is wrong usage', async () => {
  const { exitCode, err } = await tasker(['task', 'bulk', '--tag', 'x'], {})
  expect(exitCode).toBe(2)
  expect(err).toContain('--action')
})

const STEP = { step_id: 'charge', status: 'enqueued' }

test('a step is reset and resolved by hand', async () => {
  const reset = await asked(['step', 'reset', TASK, 'charge', '--reason', 'back', '--by', 'ann'], STEP)
  expect(reset.server.asked[0]).toMatchObject({
    method: 'PATCH',
    url: `/v1/tasks/${TASK}/workflow_steps/charge`,
    body: '{"action_type":"reset_for_retry","reason":"back","reset_by":"ann"}',
  })
  expect(reset.out).toBe('step charge is enqueued\n')
  const resolve = await asked(['step', 'resolve', TASK, 'charge', '--json'], { ...STEP, status: 'resolved_manually' })
  expect(resolve.server.asked[0]?.body).toBe('{"action_type":"resolve_manually"}')
  expect(JSON.parse(resolve.out)).toEqual({ ...STEP, status: 'resolved_manually' })
})

test('a step is completed with a result and metadata as they were written', async () => {
  const { server } = await asked(
    ['step', 'complete', TASK, 'charge', '--result', '{"n":1.0}', '--metadata', '{"t":2.0}', '--by', 'ann'],
    { ...STEP, status: 'complete' },
  )
  expect(server.asked[0]?.body).toBe(
    '{"action_type":"complete_manually","completed_by":"ann","completion_data":{"result":{"n":1.0},"metadata":{"t":2.0}}}',
  )
})

test('a result that is no JSON is wrong usage, and nothing is sent', async () => {
  const { exitCode, err } = await tasker(['step', 'complete', TASK, 'charge', '--result', '{'], {
    TASKER_URL: 'http://127.0.0.1:1',
  })
  expect(exitCode).toBe(2)
  expect(err).toContain('the result is not JSON')
})

test('the audit of a step shows when, what, by whom and why', async () => {
  const entry = {
    event: 'step.reset_for_retry',
    recorded_at: '2030-01-31T08:00:00.000Z',
    actor: 'anonymous',
    from_state: 'error',
    to_state: 'pending',
    failure: null,
    reason: 'gateway is back',
    by: 'ann',
  }
  const { server, out } = await asked(['step', 'audit', TASK, 'charge', '--limit', '5'], { entries: [entry], next_cursor: null })
  expect(server.asked[0]?.url).toBe(`/v1/tasks/${TASK}/workflow_steps/charge/audit?limit=5`)
  expect(out).toMatch(/step\.reset_for_retry +error → pending +ann +gateway is back/)
})
