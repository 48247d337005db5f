/** The command line against a real server: `tasker dev --ephemeral` and a worker of the SDK. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineStep, PermanentError, Worker } from '@tasker/sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gone, isThere, type Standing, start, tasker, textOf } from './processes.js'

const folder = mkdtempSync(join(tmpdir(), 'tasker-cli-'))
const TEMPLATE = join(folder, 'parcel.yaml')
writeFileSync(
  TEMPLATE,
  `name: parcel
namespace_name: cli
version: 1.0.0
steps:
  - name: weigh
    handler: { callable: Weigh }
  - name: send
    handler: { callable: Send }
    dependencies: [weigh]
    retry: { retryable: true, max_attempts: 2, backoff: linear, backoff_base_ms: 10 }
`,
)

let server: Standing
let worker: Worker
let running: Promise<void>
let environment: { readonly [variable: string]: string }

beforeAll(async () => {
  server = await start(['dev', '--ephemeral', '--rest-port', '0', '--grpc-port', '0', '--log-level', 'warn'])
  environment = { TASKER_URL: textOf(server.ready, 'rest_url'), TASKER_NAMESPACE: 'cli' }
  worker = new Worker({
    url: textOf(server.ready, 'grpc_url'),
    namespace: 'cli',
    signals: false,
    handlers: [
      defineStep('Weigh', async ({ input, signal }) => {
        if (input.wait === true) await new Promise((resolve) => signal.addEventListener('abort', resolve))
        return { grams: 250 }
      }),
      defineStep('Send', async ({ input, attempt }) => {
        if (input.lost === true) throw new PermanentError('the parcel is lost')
        if (attempt === 1) throw new Error('the van is late')
        return { sent: input.to ?? 'nobody' }
      }),
    ],
  })
  running = worker.run()
  const registered = await tasker(['template', 'register', TEMPLATE], environment)
  expect(registered).toMatchObject({ exitCode: 0, out: 'cli/parcel@1.0.0 registered\n' })
}, 120_000)

afterAll(async () => {
  await worker.drain()
  await running
  expect(await server.end('SIGINT')).toBe(0)
  await gone(server.ready['database_pid'])
  expect(isThere(server.pid)).toBe(false)
}, 60_000)

const submit = async (context: object, ...more: readonly string[]): Promise<string> => {
  const { out, err } = await tasker(['task', 'submit', 'parcel', '--context', JSON.stringify(context), ...more], environment)
  expect(err).toContain('tasker task watch')
  return out.trim()
}

describe('a task from the command line', () => {
  test('submit --wait prints the result alone on stdout', async () => {
    const { exitCode, out } = await tasker(['task', 'submit', 'cli/parcel', '--context', '{"to":"Ann"}', '--wait'], environment)
    expect(exitCode).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ send: { sent: 'Ann' } })
  })

  test('watch shows each transition with its attempt and ends with the task', async () => {
    const id = await submit({ to: 'Bob' })
    const { exitCode, out } = await tasker(['task', 'watch', id], environment)
    expect(exitCode).toBe(0)
    const types = out.split('\n').map((line) => line.replace(/\s+/g, ' ').trim())
    expect(types.some((line) => /task\.submitted cli\/parcel@1\.0\.0$/.test(line))).toBe(true)
    expect(types.some((line) => /step\.failed send #1 .*the van is late$/.test(line))).toBe(true)
    expect(types.some((line) => /step\.completed send #2/.test(line))).toBe(true)
    expect(types.at(-2)).toBe(`task ${id} is complete`)
  })

  test('history is what watch showed, and get, graph and result agree', async () => {
    const id = await submit({ to: 'Cid' }, '--tag', 'blue')
    const watched = await tasker(['task', 'watch', id, '--json'], environment)
    const history = await tasker(['task', 'history', id, '--json'], environment)
    expect(JSON.parse(history.out)).toEqual(
      watched.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    )
    expect((await tasker(['task', 'get', id], environment)).out).toMatch(/send\s+complete\s+2/)
    expect((await tasker(['task', 'graph', id], environment)).out).toContain('weigh ────▶ send')
    expect((await tasker(['task', 'graph', id, '--format', 'mermaid'], environment)).out).toMatch(/^flowchart/)
    expect(JSON.parse((await tasker(['task', 'result', id], environment)).out)).toMatchObject({ send: { sent: 'Cid' } })
  })

  test('a repeat with the same request id is the same task', async () => {
    const requestId = ['--request-id', '01JDZZZZZZZZZZZZZZZZZZZZZZ']
    const first = await submit({ to: 'Dan' }, ...requestId)
    const again = await tasker(['task', 'submit', 'parcel', '--context', '{"to":"Dan"}', ...requestId], environment)
    expect(again.out).toBe(`${first} (was there already)\n`)
  })

  test('lists find tasks by tag', async () => {
    const id = await submit({ to: 'Eve' }, '--tag', 'red')
    await tasker(['task', 'watch', id], environment)
    await expect
      .poll(async () => (await tasker(['task', 'list', '--tag', 'red'], environment)).out, { timeout: 10_000 })
      .toMatch(new RegExp(`${id}\\s+cli/parcel@1.0.0\\s+complete`))
  })

  test('a cancelled task ends with 1 for whoever watches it', async () => {
    const id = await submit({ wait: true })
    expect((await tasker(['task', 'cancel', id, '--reason', 'not needed'], environment)).exitCode).toBe(0)
    const { exitCode, out } = await tasker(['task', 'watch', id], environment)
    expect(exitCode).toBe(1)
    expect(out).toContain('not needed')
    expect(out).toContain(`task ${id} is cancelled`)
    expect((await tasker(['task', 'result', id], environment)).exitCode).toBe(1)
  })

  test('a task that waits for a person ends a wait with 1 and says which step failed', async () => {
    const { exitCode, out, err } = await tasker(['task', 'submit', 'parcel', '--context', '{"lost":true}', '--wait'], environment)
    expect(exitCode).toBe(1)
    expect(out).toBe('')
    expect(err).toContain('blocked_by_failures')
    expect(err).toContain('send: PermanentError: the parcel is lost')
  })
})

describe('errors of a real server', () => {
  test('an unknown task and an unknown template end with 1, code and reason', async () => {
    const task = await tasker(['task', 'get', '01JD0000000000000000000000'], environment)
    expect(task.exitCode).toBe(1)
    expect(task.err).toContain('NOT_FOUND TASK_NOT_FOUND')
    const template = await tasker(['task', 'submit', 'nowhere'], environment)
    expect(template.exitCode).toBe(1)
    expect(template.err).toContain('TEMPLATE_NOT_FOUND')
  })

  test('wrong usage ends with 2, no server with 3', async () => {
    expect((await tasker(['task', 'submit', 'parcel', '--context', '{'], environment)).exitCode).toBe(2)
    expect((await tasker(['task', 'list'], { TASKER_URL: 'http://127.0.0.1:9' })).exitCode).toBe(3)
  })

  test('a second server on the same port says so, with the flag', async () => {
    const port = new URL(environment['TASKER_URL'] ?? '').port
    const { exitCode, err } = await tasker(['dev', '--ephemeral', '--rest-port', port, '--grpc-port', '0'])
    expect(exitCode).toBe(1)
    expect(err).toContain(`PORT_IN_USE: port ${port} of 127.0.0.1 is taken`)
    expect(err).toContain('--rest-port')
  })
})

describe('operations', () => {
  test('workers, queues and templates are listed', async () => {
    expect((await tasker(['worker', 'list'], environment)).out).toMatch(/cli\s+connected\s+0\/100/)
    expect((await tasker(['queue', 'list'], environment)).exitCode).toBe(0)
    expect((await tasker(['template', 'list'], environment)).out).toContain('cli/parcel@1.0.0')
    expect((await tasker(['template', 'get', 'parcel'], environment)).out).toContain('namespace_name: cli')
  })

  test('the doctor finds nothing wrong with a running server, and a missing one', async () => {
    const healthy = await tasker(['doctor'], environment)
    expect(healthy.out).toContain('clock')
    expect(healthy.exitCode).toBe(0)
    expect((await tasker(['doctor'], { TASKER_URL: 'http://127.0.0.1:9' })).exitCode).toBe(1)
  })
})
