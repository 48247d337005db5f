// Durable functions as a client sees them: submitted, signalled, and asked what they show.
import { Client, defineFunction, TaskerError } from '@tasker/sdk'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { payload, scriptedServer, submissionsOf, unreachable } from '../scripted-server.js'
import { turn, virtualClock } from '../virtual-clock.js'
import { silent } from '../worker/started-worker.js'

const start = () => {
  const server = scriptedServer()
  const clock = virtualClock()
  return { server, clock, client: new Client({ url: '', logger: silent, transport: server, clock }) }
}

const renewal = defineFunction('renewal', { namespace: 'shop', version: '1.0.0', input: z.object({ plan: z.string() }) }, () => 1)

const fail = (error: unknown): never => {
  throw error
}

const reasonOf = async (promise: Promise<unknown>): Promise<unknown> => {
  const thrown: unknown = await promise.catch((error: unknown) => error)
  return thrown instanceof TaskerError ? thrown.reason : thrown
}

test('a function is registered once, and submitted with the input that fits its schema', async () => {
  const { server, client } = start()
  client.submit(renewal, { plan: 'a' }).catch(fail)
  client.submit(renewal, { plan: 'b' }, { signal: { name: 'go', payload: { n: 1 } } }).catch(fail)
  await turn()
  expect(server.registered.map(({ content }) => (JSON.parse(content) as { kind: unknown }).kind)).toEqual(['function'])
  expect(submissionsOf(server.session())).toMatchObject([
    { namespace: 'shop', name: 'renewal', version: '1.0.0', signal: undefined },
    { name: 'renewal', signal: { name: 'go', payload: payload({ n: 1 }) } },
  ])
  expect(await reasonOf(client.submit(renewal, JSON.parse('{"plan":7}') as never))).toBe('INPUT_SCHEMA_VIOLATION')
})

test('a signal that is sent again, because nobody could be reached, keeps its id', async () => {
  const { server, clock, client } = start()
  server.signalErrors.push(unreachable(), unreachable())
  const sent = client.task('T1').signal('cancel', { why: 'too dear' })
  for (let tries = 0; tries < 2; tries++) {
    await turn()
    clock.advance(2_000)
  }
  await sent
  expect(server.signalled).toHaveLength(3)
  expect(new Set(server.signalled.map(({ requestId }) => requestId)).size).toBe(1)
  expect(server.signalled[0]).toMatchObject({
    taskId: 'T1',
    signal: { name: 'cancel', payload: payload({ why: 'too dear' }) },
  })
})

test('a signal that was refused, or that no message can carry, rejects', async () => {
  const { server, client } = start()
  server.signalErrors.push(new TaskerError({ code: 'INVALID_STATE', reason: 'NO_FUNCTION', message: 'no' }))
  expect(await reasonOf(client.task('T1').signal('cancel'))).toBe('NO_FUNCTION')
  expect(await reasonOf(client.task('T1').signal('cancel', 1n))).toBe('INPUT_NOT_SERIALIZABLE')
  expect(await reasonOf(client.task('T1').signal('cancel', 'x'.repeat(300_000)))).toBe('OPERATION_INPUT_TOO_LARGE')
})

test('what a function shows is asked for as a whole or by its name', async () => {
  const { client } = start()
  expect(await client.task('T1').shown()).toEqual({ phase: 'trial' })
  expect(await client.task('T1').shown('phase')).toBe('trial')
  expect(await client.task('T1').shown('other')).toBeUndefined()
})
