/** The windows of steps that wait for keys. */
import { instant, queueName, type ReadyRow, stepId } from '@tasker/core'
import { KeyQueues } from '@tasker/server/internal/dispatch/key-queues'
import { expect, test } from 'vitest'
import { requestId, SHOP } from '../../../support/engine.js'
import { readyRowOf, scanOf } from '../../../support/ready-row.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const QUEUE = queueName('concurrency shared')

const row = (n: number): ReadyRow => ({
  ...readyRowOf({ taskId: requestId(n), step: stepId('a'), namespace: SHOP, readyAt: instant(n) }),
  queue: QUEUE,
  gate: { limit: 1, perMs: undefined },
})

const waiting = (stored: readonly ReadyRow[], takes: () => boolean) => {
  const taken: ReadyRow[] = []
  const queues = new KeyQueues(
    new VirtualClock(),
    { ready: (_namespace, _queue, request) => Promise.resolve(scanOf(stored, request)) },
    ({ rows }) => {
      while (takes()) {
        const next = rows.take()
        if (next === undefined) return
        taken.push(next)
      }
    },
  )
  return { queues, taken }
}

test('whoever waits is offered at the end of the turn, and a queue that is empty is forgotten', async () => {
  const { queues, taken } = waiting([], () => true)
  queues.add(row(1))
  queues.add(row(2))
  expect(taken).toEqual([])
  await settled()
  expect(taken.map(({ taskId }) => taskId)).toEqual([requestId(1), requestId(2)])
  queues.poke(SHOP, QUEUE)
  await settled()
  expect(queues.all()).toEqual([])
})

test('what nobody may have yet waits until somebody says that a place may be free', async () => {
  let free = false
  const { queues, taken } = waiting([], () => free)
  queues.add(row(1))
  await settled()
  expect([taken.length, queues.find(SHOP, QUEUE)?.rows.waiting]).toEqual([0, 1])
  free = true
  queues.poke(SHOP, QUEUE)
  await settled()
  expect(taken).toHaveLength(1)
})

test('rows that are in the projection only are read, and after a stop nothing is offered', async () => {
  const { queues, taken } = waiting([row(1), row(2)], () => true)
  queues.stored(SHOP, QUEUE, 2)
  await settled()
  expect(taken).toHaveLength(2)
  queues.stop()
  queues.add(row(3))
  await settled()
  expect(taken).toHaveLength(2)
})
