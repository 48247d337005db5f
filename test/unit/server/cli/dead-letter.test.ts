/** `tasker dlq`: what goes over the wire, and what a person sees. */
import { afterEach, expect, test } from 'vitest'
import { json, type Standing, standing, tasker } from './command-line.js'

const open: Standing[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const ENTRY = {
  entry_id: '01JD0000000000000000000000-1',
  task_id: '01JD0000000000000000000000',
  namespace: 'shop',
  name: 'order',
  version: '1.0.0',
  original_state: 'blocked_by_failures',
  dlq_reason: 'max_retries_exceeded',
  step_id: 'charge',
  dlq_timestamp: '2030-01-31T08:00:00.000Z',
  resolution_status: 'pending',
  resolution_timestamp: null,
  resolution_notes: null,
  resolved_by: null,
}

const asked = async (args: readonly string[], body: object): Promise<{ readonly server: Standing; readonly out: string }> => {
  const server = await standing((_, response) => json(response, 200, body))
  open.push(server)
  const { exitCode, out, err } = await tasker(args, { TASKER_URL: server.url })
  expect(err).toBe('')
  expect(exitCode).toBe(0)
  return { server, out }
}

test('list shows entries, and says what it wants', async () => {
  const { server, out } = await asked(
    ['dlq', 'list', '--status', 'pending', '--reason', 'staleness_timeout', '--limit', '5', '--namespace', 'shop'],
    { entries: [ENTRY], next_cursor: null },
  )
  expect(server.asked[0]?.url).toBe('/v1/dlq?limit=5&namespace=shop&resolution_status=pending&dlq_reason=staleness_timeout')
  expect(out).toContain(ENTRY.entry_id)
  expect(out).toContain('max_retries_exceeded')
})

test('the ranked list is the investigation queue', async () => {
  const { server, out } = await asked(['dlq', 'list', '--ranked'], { entries: [] })
  expect(server.asked[0]?.url).toBe('/v1/dlq/investigation-queue?limit=50')
  expect(out).toBe('no dead letter\n')
})

test('get finds by entry and by task', async () => {
  const { server, out } = await asked(['dlq', 'get', ENTRY.entry_id], ENTRY)
  expect(server.asked[0]?.url).toBe(`/v1/dlq/entry/${ENTRY.entry_id}`)
  expect(out).toMatch(/reason +max_retries_exceeded/)
  expect(out).not.toMatch(/notes/)
  const byTask = await asked(['dlq', 'get', ENTRY.task_id, '--json'], ENTRY)
  expect(byTask.server.asked[0]?.url).toBe(`/v1/dlq/task/${ENTRY.task_id}`)
  expect(JSON.parse(byTask.out)).toEqual(ENTRY)
})

test('update sends what was said, metadata as it was written', async () => {
  const args = [
    'dlq',
    'update',
    ENTRY.entry_id,
    '-s',
    'manually_resolved',
    '-n',
    'fixed',
    '-b',
    'ann',
    '--metadata',
    '{"n": 1.0}',
  ]
  const { server } = await asked(args, { ...ENTRY, resolution_status: 'manually_resolved' })
  expect(server.asked[0]).toMatchObject({
    method: 'PATCH',
    url: `/v1/dlq/entry/${ENTRY.entry_id}`,
    body: '{"resolution_status":"manually_resolved","resolution_notes":"fixed","resolved_by":"ann","metadata":{"n": 1.0}}',
  })
})

test('add puts a task there', async () => {
  const { server } = await asked(['dlq', 'add', ENTRY.task_id, '--metadata', '{}'], ENTRY)
  expect(server.asked[0]).toMatchObject({
    method: 'POST',
    url: '/v1/dlq',
    body: `{"task_id":"${ENTRY.task_id}","metadata":{}}`,
  })
})

test('stats and staleness are tables', async () => {
  const figures = {
    dlq_reason: 'staleness_timeout',
    total_entries: 4,
    pending: 1,
    manually_resolved: 2,
    permanently_failed: 1,
    cancelled: 0,
    avg_resolution_time_minutes: 12.34,
  }
  expect((await asked(['dlq', 'stats'], { stats: [figures] })).out).toMatch(/staleness_timeout +4 +1 +2 +1 +0 +12\.3/)
  const still = {
    task_id: ENTRY.task_id,
    namespace: 'shop',
    name: 'order',
    status: 'steps_in_process',
    time_in_state_minutes: 8.25,
    staleness_threshold_minutes: 10,
    health_status: 'warning',
  }
  expect((await asked(['dlq', 'staleness'], { tasks: [still] })).out).toMatch(/steps_in_process +8\.[23] +10 +warning/)
})
