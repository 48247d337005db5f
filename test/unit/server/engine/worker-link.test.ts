import { jsonOf } from '@tasker/core'
import { expect, test } from 'vitest'
import { startTestEngine, submissionOf } from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

const CHARGE = [
  { name: 'charge', resultSchema: { type: 'object', required: ['receipt'] } },
  { name: 'ship', after: ['charge'] },
]

test('a result that breaks the promise of its step fails it for good, and what waits for it does not start', async () => {
  const world = await startTestEngine()
  await world.register('order', CHARGE)
  const worker = world.worker()
  const taskId = await world.submitted(submissionOf(1))
  worker.complete(worker.command('charge'), { total: 1 })
  await settled()
  expect(worker.acks).toMatchObject([{ step: 'charge', status: 'recorded' }])
  const snapshot = await world.engine.read(taskId)
  expect(snapshot?.state.steps[0]).toMatchObject({
    status: 'error',
    attempts: 1,
    lastFailure: { code: 'RESULT_SCHEMA_MISMATCH', message: expect.stringContaining('/receipt') as string, retryable: false },
  })
  expect(snapshot?.state.phase).toBe('blocked')
  expect(worker.commands).toHaveLength(1)
})

test('the same broken result sent again is known as a repeat', async () => {
  const world = await startTestEngine()
  await world.register('order', CHARGE)
  const worker = world.worker()
  await world.submitted(submissionOf(1))
  const command = worker.command('charge')
  worker.complete(command, 1)
  await settled()
  worker.complete(command, 1)
  await settled()
  expect(worker.acks.map(({ status }) => status)).toEqual(['recorded', 'duplicate'])
})

test('a result that fits is a result', async () => {
  const world = await startTestEngine()
  await world.register('order', CHARGE)
  const worker = world.worker()
  const taskId = await world.submitted(submissionOf(1))
  worker.complete(worker.command('charge'), { receipt: 'r' })
  await settled()
  worker.complete(worker.command('ship'))
  await settled()
  expect((await world.engine.read(taskId))?.state).toMatchObject({
    phase: 'completed',
    steps: [{ output: jsonOf({ receipt: 'r' }) }, {}],
  })
})
