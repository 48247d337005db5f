import { handlerName, instant, namespaceOf, type ReadyRow, stepId, taskIdFrom } from '@tasker/core'
import { ReadyQueue } from '@tasker/server/internal/dispatch/ready-queue'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const row = (n: number, priority = 0): ReadyRow => ({
  taskId: taskIdFrom(n, new Uint8Array(10)),
  step: stepId(`s${n}`),
  attempt: 1,
  namespace: namespaceOf('shop'),
  handler: handlerName('work'),
  priority,
  readyAt: instant(n),
})

const drain = (queue: ReadyQueue): string[] => {
  const taken: string[] = []
  for (let next = queue.take(); next !== undefined; next = queue.take()) taken.push(next.step)
  return taken
}

test('steps leave in the order they came, the higher priority first', () => {
  const queue = new ReadyQueue(10)
  for (const entry of [row(1), row(2, 5), row(3), row(4, 5)]) queue.add(entry)
  expect(drain(queue)).toEqual(['s2', 's4', 's1', 's3'])
})

test('an entry that is there already is not added again', () => {
  const queue = new ReadyQueue(10)
  queue.add(row(1))
  queue.add(row(1))
  expect(queue.size).toBe(1)
  expect(drain(queue)).toEqual(['s1'])
})

test('a full window forgets what would go last, and says that it did', () => {
  const queue = new ReadyQueue(2)
  for (const entry of [row(1), row(2), row(3)]) queue.add(entry)
  expect(queue.truncated).toBe(true)
  expect(queue.waiting).toBe(3)
  expect(drain(queue)).toEqual(['s1', 's2'])
})

test('a higher priority finds room in a full window', () => {
  const queue = new ReadyQueue(2)
  for (const entry of [row(1), row(2), row(3, 9)]) queue.add(entry)
  expect(drain(queue)).toEqual(['s3', 's1'])
})

test('what waits in the projection alone is counted until a refill brings it', () => {
  const queue = new ReadyQueue(2)
  queue.beyond(5)
  expect([queue.waiting, queue.truncated]).toEqual([5, true])
  queue.refilled([row(1), row(2)], true)
  expect([queue.waiting, queue.truncated]).toEqual([5, true])
  drain(queue)
  queue.refilled([row(3)], false)
  expect([queue.waiting, queue.truncated]).toEqual([1, false])
})

test('a refill brings back what was forgotten', () => {
  const queue = new ReadyQueue(2)
  for (const entry of [row(1), row(2), row(3)]) queue.add(entry)
  drain(queue)
  queue.refilled([row(3)], false)
  expect(queue.truncated).toBe(false)
  expect(drain(queue)).toEqual(['s3'])
})

test('what is taken and what is left are what was added, whatever the order of adding and taking', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.record({ priority: fc.integer({ min: 0, max: 3 }) }), fc.constant('take' as const))),
      (steps) => {
        const queue = new ReadyQueue(10_000)
        const expected: ReadyRow[] = []
        let n = 0
        for (const step of steps) {
          if (step === 'take') {
            expected.sort((a, b) => b.priority - a.priority || a.readyAt - b.readyAt)
            expect(queue.take()?.step).toBe(expected.shift()?.step)
          } else {
            const entry = row(n++, step.priority)
            queue.add(entry)
            expected.push(entry)
          }
          expect(queue.size).toBe(expected.length)
        }
      },
    ),
  )
})
