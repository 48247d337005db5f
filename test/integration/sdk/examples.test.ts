// The examples, run as their READMEs say, give what their READMEs promise.
import { readFileSync } from 'node:fs'
import { Client } from '@tasker/sdk'
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

test('order fulfillment: the worker connects, the task is retried once and completes, and SIGTERM ends the worker in order', async () => {
  const worker = run('01-order-fulfillment/worker.js')
  await worker.line(/^order-fulfillment worker connected to /)
  const registered = await fetch(`${server.restUrl}/v1/templates`, {
    method: 'POST',
    headers: { 'content-type': 'application/yaml' },
    body: text('01-order-fulfillment/template.yaml'),
  })
  expect(registered.ok).toBe(true)
  const client = new Client({ url: server.grpcUrl })
  const handle = await client.submit(
    { namespace: 'shop', name: 'order_fulfillment' },
    value('01-order-fulfillment/input.json') as object,
  )
  const failed: unknown[] = []
  for await (const { type, data } of handle.events()) if (type === 'step.failed') failed.push(data)
  expect(await handle.result()).toEqual(value('01-order-fulfillment/expected-output.json'))
  expect(failed).toEqual([expect.objectContaining({ step_id: 'charge_card', attempt: 1 })])
  client.close()
  worker.kill('SIGTERM')
  expect(await worker.exited).toBe(0)
})

test('the typed task runs to its last line and ends by itself', async () => {
  const program = run('02-typed-task/main.js')
  expect(await program.exited).toBe(0)
  const [, promised] = /```\n(from .*)\n```/.exec(text('02-typed-task/README.md')) ?? []
  expect(program.output().trim().split('\n').at(-1)).toBe(promised)
})
