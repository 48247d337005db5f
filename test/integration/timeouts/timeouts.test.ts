/** The times of steps on a real server with real workers, and the next attempt as every door shows it. */
import { Readable } from 'node:stream'
import { credentials } from '@grpc/grpc-js'
import { TaskServiceClient } from '@tasker/proto'
import { Client, defineTask, TaskBlockedError, type TaskDefinition, type TaskHandle, Worker } from '@tasker/sdk'
import { runCommandLine } from '@tasker/server/internal/cli/program'
import { terminalOver } from '@tasker/server/internal/cli/terminal'
import { type RunningServer, startServer } from '@tasker/server/internal/compose'
import { TASK } from '@tasker/server/internal/rest/schema/task'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { until } from '../../support/until.js'
import { serverConfig } from '../sdk/server-config.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const PATIENCE_MS = 20_000

let database: TestDatabase
let server: RunningServer
let client: Client
const closing: (() => Promise<void>)[] = []

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
  client = new Client({ url: server.grpcUrl, logger: silent })
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(async () => {
  client.close()
  await server.stop()
  await database.drop()
})

const work = (definition: TaskDefinition): void => {
  const worker = new Worker({ url: server.grpcUrl, namespace: 'times', tasks: [definition], signals: false, logger: silent })
  const ended = worker.run()
  closing.push(async () => {
    await worker.stop()
    await ended
  })
}

const resultOf = (handle: TaskHandle): Promise<unknown> => handle.result({ signal: AbortSignal.timeout(PATIENCE_MS) })

const blockedBy = async (handle: TaskHandle): Promise<string | undefined> => {
  const error = await resultOf(handle).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(TaskBlockedError)
  return error instanceof TaskBlockedError ? error.steps[0]?.failure.code : undefined
}

const kindsOf = async (handle: TaskHandle): Promise<readonly unknown[]> => {
  const answer = await fetch(`${server.restUrl}/v1/tasks/${handle.taskId}/events`)
  const text = await answer.text()
  return [...text.matchAll(/"kind":"(\w+)"/g)].map(([, kind]) => kind)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test('a handler that heartbeats stays alive for longer than it may be silent; one that hangs is found out, and tried again', async () => {
  const told: (number | undefined)[] = []
  const aborted: boolean[] = []
  const task = defineTask('beating', { namespace: 'times', version: '1.0.0' })
    .step('alive', { heartbeat: 600, retry: { maxAttempts: 1 } }, async ({ heartbeat, heartbeatMs }) => {
      told.push(heartbeatMs)
      for (let n = 0; n < 10; n++) {
        heartbeat({ n })
        await pause(200)
      }
      return 'alive'
    })
    .step('hangs', { after: ['alive'], heartbeat: 600, retry: { backoff: 'none' } }, async ({ attempt, signal }) => {
      if (attempt > 1) return 'second'
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      aborted.push(signal.aborted)
      return 'late'
    })
  work(task)
  const handle = await client.submit(task, {})
  expect(await resultOf(handle)).toMatchObject({ hangs: 'second' })
  expect(told).toEqual([600])
  expect(aborted).toEqual([true])
  expect(await kindsOf(handle)).toEqual(['heartbeat'])
  expect((await handle.state()).steps).toMatchObject([
    { stepId: 'alive', attempts: 1 },
    { stepId: 'hangs', attempts: 2, lastFailure: { code: 'HEARTBEAT_TIMED_OUT' } },
  ])
})

test('a step that no worker takes in time has failed for good; a reset gives it another chance', async () => {
  const task = defineTask('unheard', { namespace: 'times', version: '1.0.0' }).step('s', { scheduleToStart: 500 }, () => 'done')
  const body = JSON.stringify(task.template())
  const registered = await fetch(`${server.restUrl}/v1/templates`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })
  expect(registered.status).toBe(201)
  const handle = await client.submit(task, {})
  expect(await blockedBy(handle)).toBe('SCHEDULE_TO_START_TIMED_OUT')
  expect(await kindsOf(handle)).toEqual(['schedule_to_start'])
  work(task)
  const reset = await fetch(`${server.restUrl}/v1/tasks/${handle.taskId}/retry`, { method: 'POST' })
  expect(reset.status).toBe(200)
  expect(await resultOf(handle)).toEqual({ s: 'done' })
})

test('the time over all attempts ends a step that its policy would try for long', async () => {
  let calls = 0
  const task = defineTask('long', { namespace: 'times', version: '1.0.0' }).step(
    's',
    { scheduleToClose: '2s', retry: { maxAttempts: 50, backoff: 'none' } },
    async () => {
      calls++
      await pause(400)
      throw new Error('not yet')
    },
  )
  work(task)
  const handle = await client.submit(task, {})
  expect(await blockedBy(handle)).toBe('SCHEDULE_TO_CLOSE_TIMED_OUT')
  expect(await kindsOf(handle)).toEqual(['schedule_to_close'])
  expect(calls).toBeGreaterThan(1)
  expect(calls).toBeLessThan(8)
})

test('when the next attempt comes is seen over REST, gRPC and the command line', async () => {
  const task = defineTask('waits', { namespace: 'times', version: '1.0.0' }).step(
    's',
    { retry: { backoff: 'linear', backoffBase: '1h', maxBackoff: '2h', jitter: 0 } },
    () => {
      throw new Error('later')
    },
  )
  work(task)
  const { taskId } = await client.submit(task, {})
  const shown = await until('the retry is scheduled', PATIENCE_MS, async () => {
    const answer = await fetch(`${server.restUrl}/v1/tasks/${taskId}`)
    return TASK.parse(await answer.json()).steps[0]?.next_retry_at
  })
  expect(Date.parse(shown) - Date.now()).toBeGreaterThan(3_500_000)
  const tasks = new TaskServiceClient(server.grpcUrl, credentials.createInsecure())
  closing.push(async () => Promise.resolve(tasks.close()))
  const wire = await new Promise<number | undefined>((resolve, reject) =>
    tasks.get({ taskId }, (error, answer) => (error === null ? resolve(answer.task?.steps[0]?.nextRetryAtMs) : reject(error))),
  )
  expect(wire).toBe(Date.parse(shown))
  let out = ''
  const stream = { write: (text: string) => (out += text) }
  const host = {
    environment: { TASKER_URL: server.restUrl },
    stdin: Readable.from([]),
    terminal: () => terminalOver(stream, stream, false),
  }
  expect(await runCommandLine(['task', 'get', taskId], host)).toBe(0)
  expect(out).toContain(`next attempt ${shown}`)
})
