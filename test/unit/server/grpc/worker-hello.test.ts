/** A hello is taken whole or refused with every failing field; descriptions for people are cut. */
import { DOOR_LIMITS } from '@tasker/server/internal/grpc/door'
import { readHello } from '@tasker/server/internal/grpc/worker-hello'
import type { WorkerHello } from '@tasker/proto'
import { expect, test } from 'vitest'

const wire = (more: Partial<WorkerHello> = {}): WorkerHello => ({
  workerId: '01JGZZZZZZZZZZZZZZZZZZZZZZ',
  namespace: 'shop',
  handlers: ['a'],
  slots: 1,
  codeVersion: '',
  sdk: '',
  host: '',
  running: [],
  ...more,
})

const pathsOf = (more: Partial<WorkerHello>): readonly string[] => {
  const read = readHello(wire(more), DOOR_LIMITS)
  return read.type === 'unusable' ? read.problems.map(({ path }) => path) : []
}

test('all failing fields are named at once', () => {
  expect(pathsOf({ workerId: '', namespace: 'n'.repeat(256), handlers: [], slots: 0 })).toEqual([
    '/hello/worker_id',
    '/hello/namespace',
    '/hello/handlers',
    '/hello/slots',
  ])
})

test('lists have bounds', () => {
  const running = { taskId: 'x', stepId: 'a', attempt: 1 }
  expect(pathsOf({ handlers: Array.from({ length: 10_001 }, (_, index) => `h${index}`) })).toEqual(['/hello/handlers'])
  expect(pathsOf({ running: Array.from({ length: 20_001 }, () => running) })).toEqual(['/hello/running'])
  expect(pathsOf({ handlers: ['x'.repeat(512)] })).toEqual(['/hello/handlers/0'])
})

test('what only people read is cut', () => {
  const read = readHello(wire({ host: 'h'.repeat(1_000), sdk: 's'.repeat(1_000), codeVersion: 'c'.repeat(1_000) }), DOOR_LIMITS)
  expect(read.type === 'hello' ? [read.hello.host.length, read.hello.sdk.length, read.hello.codeVersion.length] : []).toEqual([
    255, 255, 255,
  ])
})
