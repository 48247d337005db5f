/** `tasker function check`: recorded tasks of a real server, replayed by the built command line against modules of a project. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, defineFunction, replay, Worker } from '@tasker/sdk'
import { startServer, type RunningServer } from '@tasker/server/internal/compose'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { freePort, REPOSITORY } from '../../support/processes.js'
import { serverConfig } from '../sdk/server-config.js'
import { tasker } from './processes.js'

const order = defineFunction('order', { namespace: 'shop', version: '1.0.0' }, async (ctx, { id }: { readonly id: string }) => {
  const receipt = await ctx.step('charge', () => `receipt of ${id}`)
  ctx.setState('phase', 'charged')
  const { to } = await ctx.waitForSignal<{ readonly to: string }>('ship')
  await ctx.step('send', () => to)
  return `${receipt} to ${to}`
})

/** A module that a project would deploy next. */
const moduleOf = (version: string, body: string): string => `
import { defineFunction } from '@tasker/sdk'
export const order = defineFunction('order', { namespace: 'shop', version: '${version}' }, async (ctx, { id }) => {
${body}
})
`

const SAME = `  const receipt = await ctx.step('charge', () => { throw new Error('no step is run') })
  const { to } = await ctx.waitForSignal('ship')
  await ctx.step('send', () => to)
  return receipt + ' to ' + to`

let database: TestDatabase
let server: RunningServer
let folder: string
let open: string
let ended: string

const module = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const check = (...args: readonly string[]) => tasker(['function', 'check', ...args, '--url', server.restUrl])

beforeAll(async () => {
  database = await freshDatabase()
  server = await startServer(serverConfig(database.url))
  folder = mkdtempSync(join(tmpdir(), 'tasker-check-'))
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  const worker = new Worker({ url: server.grpcUrl, namespace: 'shop', tasks: [order] })
  const working = worker.run()
  const client = new Client({ url: server.grpcUrl })
  const first = await client.submit(order, { id: 'A-1' })
  await first.signal('ship', { to: 'Ada' })
  expect(await first.result()).toBe('receipt of A-1 to Ada')
  const second = await client.submit(order, { id: 'A-2' })
  await vi.waitFor(async () => expect(await second.shown('phase')).toBe('charged'), 10_000)
  ;[ended, open] = [first.taskId, second.taskId]
  client.close()
  await worker.drain()
  await working
  // Lists are a moment behind the log.
  const complete = async () => (await tasker(['task', 'list', '--status', 'complete', '--url', server.restUrl])).out
  await vi.waitFor(async () => expect(await complete()).toContain(ended), 10_000)
}, 60_000)

afterAll(async () => {
  await server.stop()
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

test('code that fits passes, and runs no step', async () => {
  const checked = await check(module('same.js', moduleOf('1.0.0', SAME)))
  expect(checked).toEqual({ exitCode: 0, out: '2 fit\n', err: '' })
})

test('code that asks for something else fails, with the operation, what came in its place and the line', async () => {
  const path = module('changed.js', moduleOf('1.0.0', SAME.replace("'charge'", "'bill'")))
  const checked = await check(path, '--since', '24h')
  expect(checked.exitCode).toBe(1)
  for (const task of [open, ended]) expect(checked.out).toContain(`diverges  ${task}  shop/order@1.0.0`)
  expect(checked.out).toContain('  expected: the step charge\n  actual: the step bill\n')
  expect(checked.out).toMatch(/ {2}line: \S*changed\.js:4:\d+\n/)
  expect(checked.out).toMatch(/\n0 fit, 2 would diverge\n$/)

  const told = await check(path, '--json')
  const lines = told.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines).toEqual([
    expect.objectContaining({ task_id: open, outcome: 'diverges', expected: 'the step charge', actual: 'the step bill' }),
    expect.objectContaining({ task_id: ended, outcome: 'diverges', version: '1.0.0' }),
    { fits: 0, diverges: 2, fails: 0, gone: 0, no_code: {} },
  ])
})

test('code that leaves a step out at its end diverges only from those that came so far', async () => {
  const path = module('shorter.js', moduleOf('1.0.0', SAME.replace("  await ctx.step('send', () => to)\n", '')))
  const checked = await check(path)
  expect(checked.exitCode).toBe(1)
  expect(checked.out).toContain(`diverges  ${ended}`)
  expect(checked.out).toContain('  expected: the step send\n  actual: its end\n')
  expect(checked.out).toMatch(/\n1 fit, 1 would diverge\n$/)
  // What ended before the time that is asked about holds nobody up.
  expect(await check(path, '--since', '1ms')).toMatchObject({ exitCode: 0, out: '1 fit\n' })
})

test('an input that does not fit its schema any more fails the check', async () => {
  const strict = `{ '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no such id', path: ['id'] }] }) } }`
  const path = module('strict.js', moduleOf('1.0.0', SAME).replace("version: '1.0.0'", `version: '1.0.0', input: ${strict}`))
  const checked = await check(path)
  expect(checked.exitCode).toBe(1)
  expect(checked.out).toContain('no such id')
  expect(checked.out).toMatch(/\n0 fit, 2 would fail\n$/)
})

test('tasks of versions that the modules do not have are told, and fail nothing', async () => {
  const checked = await check(module('next.js', moduleOf('2.0.0', 'return id')))
  expect(checked).toMatchObject({
    exitCode: 0,
    out: '2 of shop/order@1.0.0 not checked: the modules have no such version\n0 fit\n',
  })
  const both = [module('next.js', moduleOf('2.0.0', 'return id')), module('same.js', moduleOf('1.0.0', SAME))]
  expect(await check(...both)).toMatchObject({ exitCode: 0, out: '2 fit\n' })
  expect(await check(...both, '--function-version', '2.0.0')).toMatchObject({ exitCode: 0, out: '0 fit\n' })
})

test('what cannot be checked says so, and is not taken for a fit', async () => {
  const same = module('same.js', moduleOf('1.0.0', SAME))
  const nobody = `http://127.0.0.1:${await freePort()}`
  expect((await tasker(['function', 'check', same, '--url', nobody])).exitCode).toBe(3)
  expect(await check(join(folder, 'none.js'))).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('cannot be loaded') as string,
  })
  const empty = module('empty.js', 'export const order = 1')
  expect(await check(empty)).toMatchObject({ exitCode: 2, err: expect.stringContaining('exports no durable function') as string })
  expect(await check(same, '--name', 'parcel')).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('shop/order') as string,
  })
  expect(await check(same, '--namespace', 'travel')).toMatchObject({ exitCode: 2 })
})

test('what `task history --json` prints is replayed in a unit test', async () => {
  const printed = await tasker(['task', 'history', ended, '--json', '--url', server.restUrl])
  const events = JSON.parse(printed.out) as Parameters<typeof replay>[0]
  expect(await replay(events, order)).toEqual({ type: 'ended', end: { type: 'returned', result: '"receipt of A-1 to Ada"' } })
})
