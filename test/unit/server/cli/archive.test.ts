/** `tasker archive` and `tasker task get --archive`: what goes over the wire, and what a person sees. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { json, type Standing, standing, tasker } from './command-line.js'

const open: Standing[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

const ID = '01JD0000000000000000000000'

const STATUS = {
  archive: '/archives',
  namespaces: [
    { namespace: 'audit', age_seconds: null, oldest_ended_at: '2026-01-01T00:00:00.000Z', due: false },
    { namespace: 'shop', age_seconds: 2_592_000, oldest_ended_at: '2026-01-02T00:00:00.000Z', due: true },
    { namespace: 'test', age_seconds: 90, oldest_ended_at: '2026-01-03T00:00:00.000Z', due: false },
  ],
  archives: 2,
  archived_tasks: 900,
  archived_bytes: 12_345,
  pending_archives: 1,
  last_archive_at: null,
  running: false,
  last_pass: {
    started_at: '2026-01-04T00:00:00.000Z',
    ended_at: null,
    tasks: 400,
    held: { unsealed: 3, unpublished: 0, refused: 1 },
  },
  lag_ms: 0,
  problem: null,
}

const answering = async (answer: (count: number) => readonly [number, object]): Promise<Standing> => {
  const server = await standing((_, response, count) => json(response, ...answer(count)))
  open.push(server)
  return server
}

test('status shows what is kept how long, what is archived, and what is held', async () => {
  const { url, asked } = await answering(() => [200, STATUS])
  const { exitCode, out } = await tasker(['archive', 'status'], { TASKER_URL: url })
  expect([exitCode, asked[0]?.method, asked[0]?.url]).toEqual([0, 'GET', '/v1/retention'])
  expect(out).toContain('900 tasks in 2 archives (12345 bytes) at /archives')
  expect(out).toContain('1 of them are not out of the log yet')
  expect(out).toContain('400 archived, 4 held (3 unsealed, 0 unpublished, 1 refused)')
  expect(out).toMatch(/audit +for ever/)
  expect(out).toMatch(/shop +30d .* due/)
  expect(out).toMatch(/test +90s/)
  expect(JSON.parse((await tasker(['archive', 'status', '--json'], { TASKER_URL: url })).out)).toEqual(STATUS)
})

test('run asks until the pass has ended, and fails when it ended early', async () => {
  const going = await answering((count) => [count < 3 ? 202 : 200, { ...STATUS, running: count < 3 }])
  expect((await tasker(['archive', 'run'], { TASKER_URL: going.url })).exitCode).toBe(0)
  expect(going.asked.map(({ method, url }) => `${method} ${url}`)).toEqual(
    new Array(3).fill('POST /v1/retention/run?wait_seconds=20'),
  )
  const full = await answering(() => [200, { ...STATUS, problem: 'no space left' }])
  const { exitCode, out } = await tasker(['archive', 'run'], { TASKER_URL: full.url })
  expect([exitCode, out.includes('no space left')]).toEqual([1, true])
})

test('get --archive shows the task with its steps and its history', async () => {
  const { url, asked } = await answering(() => [
    200,
    {
      task_id: ID,
      namespace: 'shop',
      name: 'order',
      version: '1.0.0',
      status: 'complete',
      created_at: '2026-01-01T00:00:00.000Z',
      ended_at: '2026-01-01T00:00:01.000Z',
      archive: 'shop/one',
      steps: [{ step_id: 'charge', status: 'complete', attempts: 2 }],
      events: [{ version: 1, type: 'task.submitted', at: '2026-01-01T00:00:00.000Z', data: { name: 'order' } }],
    },
  ])
  const { exitCode, out } = await tasker(['task', 'get', ID, '--archive'], { TASKER_URL: url })
  expect([exitCode, asked[0]?.url]).toEqual([0, `/v1/archive/tasks/${ID}`])
  expect(out).toMatch(/charge +complete +2/)
  expect(out).toMatch(/ 1 {2}task\.submitted/)
  expect(out).toContain('from the archive shop/one')
})

test('get --archive-dir needs no server, and says when the directory holds no such task', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-cli-archive-'))
  try {
    const { exitCode, err } = await tasker(['task', 'get', ID, '--archive-dir', folder], { TASKER_URL: 'http://127.0.0.1:1' })
    expect([exitCode, err.includes('NOT_IN_ARCHIVE')]).toEqual([1, true])
    const nowhere = await tasker(['task', 'get', ID, '--archive-dir', join(folder, 'none'), '--json'], {})
    expect(nowhere.exitCode).not.toBe(0)
    expect(JSON.parse(nowhere.err)).toMatchObject({ error: { reason: 'ARCHIVE_NOT_READABLE' } })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
