// The examples, run as their READMEs say, give what their READMEs promise.
import { readFileSync } from 'node:fs'
import { Client, type TaskEvent } from '@tasker/sdk'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { REPOSITORY, runProgram, type RunningProgram } from '../../support/processes.js'
import { serverConfig } from './server-config.js'

let database: TestDatabase
let server: RunningServer
const programs: RunningProgram[] = []

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
})

const run = (example: string): RunningProgram => {
  const program = runProgram([`examples/dist/${example}`], { TASKER_GRPC_URL: server.grpcUrl })
  programs.push(program)
  return program
}

afterEach(async () => {
  for (const program of programs.splice(0)) {
    program.kill('SIGKILL')
    await program.exited
  }
})

afterAll(async () => {
  await server.stop()
  await database.drop()
})

const text = (path: string): string => readFileSync(`${REPOSITORY}/examples/${path}`, 'utf8')
const value = (path: string): unknown => JSON.parse(text(path))

/** Registers the template of an example, submits its input, and gives the outcome with the failures on the way. */
const submitted = async (example: string, task: { readonly namespace: string; readonly name: string }) => {
  const registered = await fetch(`${server.restUrl}/v1/templates`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: text(`${example}/template.yaml`),
  })
  expect(await registered.text()).not.toContain('"errors"')
  expect(registered.ok).toBe(true)
  const client = new Client({ url: server.grpcUrl })
  const handle = await client.submit(task, value(`${example}/input.json`) as object)
  const events: TaskEvent[] = []
  for await (const event of handle.events()) events.push(event)
  const result = await handle.result()
  client.close()
  const dataOf = (type: string): readonly unknown[] => events.flatMap((event) => (event.type === type ? [event.data] : []))
  return { result, dataOf }
}

test('order fulfillment: the worker connects, the task is retried once and completes, and SIGTERM ends the worker in order', async () => {
  const worker = run('01-order-fulfillment/worker.js')
  await worker.line(/^order-fulfillment worker connected to /)
  const { result, dataOf } = await submitted('01-order-fulfillment', { namespace: 'shop', name: 'order_fulfillment' })
  expect(result).toEqual(value('01-order-fulfillment/expected-output.json'))
  expect(dataOf('step.failed')).toEqual([expect.objectContaining({ step_id: 'charge_card', attempt: 1 })])
  worker.kill('SIGTERM')
  expect(await worker.exited).toBe(0)
})

test('the typed task runs to its last line and ends by itself', async () => {
  const program = run('02-typed-task/main.js')
  expect(await program.exited).toBe(0)
  const [, promised] = /```\n(from .*)\n```/.exec(text('02-typed-task/README.md')) ?? []
  expect(program.output().trim().split('\n').at(-1)).toBe(promised)
})

const FUNCTIONS = ['06-subscription', '07-trip-saga', '08-human-approval', '09-fan-out', '10-poll-api', '11-ai-agent']

test.each(FUNCTIONS)('the durable function of %s prints what its README promises', async (example) => {
  const program = run(`${example}/main.js`)
  expect(await program.exited).toBe(0)
  const [, promised] = /prints:\n\n```\n([^`]*)\n```/.exec(text(`${example}/README.md`)) ?? []
  expect(program.output().trim()).toBe(promised)
})

test('the API step waits as the service asks, and comes through its being down', async () => {
  const worker = run('05-api-step/worker.js')
  await worker.line(/^api-step worker connected to /)
  const { result, dataOf } = await submitted('05-api-step', { namespace: 'bank', name: 'pay_abroad' })
  expect(result).toEqual(value('05-api-step/expected-output.json'))
  expect(dataOf('step.failed')).toEqual([
    expect.objectContaining({ step_id: 'ask_rate', failure: expect.objectContaining({ code: 'HTTP_429' }) as object }),
    expect.objectContaining({ step_id: 'send', failure: expect.objectContaining({ code: 'HTTP_503' }) as object }),
  ])
  expect(dataOf('step.retry_scheduled')[0]).toMatchObject({ step_id: 'ask_rate', delay_ms: 1_000 })
  worker.kill('SIGTERM')
  expect(await worker.exited).toBe(0)
})

test('order approval: only the chosen steps come into being, and what follows goes on with them', async () => {
  const worker = run('03-order-approval/worker.js')
  await worker.line(/^order-approval worker connected to /)
  const { result, dataOf } = await submitted('03-order-approval', { namespace: 'shop', name: 'order_approval' })
  expect(result).toEqual(value('03-order-approval/expected-output.json'))
  expect(dataOf('step.completed').map((data) => (data as { step_id: string }).step_id)).not.toContain('approve_at_once')
  const client = new Client({ url: server.grpcUrl })
  const small = await client.submit({ namespace: 'shop', name: 'order_approval' }, { order_id: 'A-8', cents: 500 })
  expect(await small.result()).toEqual({ close_order: { order_id: 'A-8', approved_by: ['nobody needed'] } })
  client.close()
})

test('batch import: the parts run side by side, and one that fails goes on from its checkpoint', async () => {
  const worker = run('04-batch-import/worker.js')
  await worker.line(/^batch-import worker connected to /)
  const { result, dataOf } = await submitted('04-batch-import', { namespace: 'shop', name: 'batch_import' })
  expect(result).toEqual(value('04-batch-import/expected-output.json'))
  expect(dataOf('step.failed')).toEqual([expect.objectContaining({ step_id: 'import_rows_002', attempt: 1 })])
  expect(dataOf('step.checkpointed')).toHaveLength(10)
  const client = new Client({ url: server.grpcUrl })
  const empty = await client.submit({ namespace: 'shop', name: 'batch_import' }, { rows: 0 })
  expect(await empty.result()).toEqual({ report: { parts: 1, rows: 0, cents: 0, began_at: [0] } })
  client.close()
})
