// The functions of a worker as its session sees them.
import { defineFunction, TaskerError, Worker } from '@tasker/sdk'
import { functionAddress } from '@tasker/sdk/internal/function/define-function'
import { Functions } from '@tasker/sdk/internal/runner/functions'
import type { StepResult } from '@tasker/proto'
import { expect, test } from 'vitest'
import { command, failureOf, payload, ref } from '../scripted-server.js'
import { turn, virtualClock } from '../virtual-clock.js'
import { silent } from '../worker/started-worker.js'

const echo = defineFunction('echo', { namespace: 'shop', version: '1.0.0' }, (_ctx, input: { n: number }) => input.n)
const run = { life: 1, input: payload({ n: 7 }), beganAtMs: 0, from: 0, length: 0, entries: [] }

const functionsOf = (onResult: (result: StepResult) => void): Functions => {
  const nothing = (): undefined => undefined
  return new Functions(
    { definitions: new Map([[functionAddress(echo), echo]]), cacheBytes: 0, keepMs: 0, replaysAlways: false },
    { clock: virtualClock(), logger: silent, onResult, onRecord: nothing, onWanted: nothing },
  )
}

const functions = () => {
  const results: StepResult[] = []
  return { all: functionsOf((result) => results.push(result)), results }
}

test('a run is started once by its key, and its result is kept until it is acknowledged', async () => {
  const { all, results } = functions()
  const order = command('echo@1.0.0/run', { ref: ref('run'), function: run })
  all.start(order)
  all.start(order)
  await turn()
  await turn()
  expect(results).toHaveLength(1)
  expect([all.size, all.unacknowledged().results]).toEqual([1, results])
  all.start(order)
  all.acknowledged(ref('run'))
  expect([all.size, all.unacknowledged().results, results.length]).toEqual([0, [], 1])
})

test('what functions say that go on together leaves together', async () => {
  let said = 0
  let messages = 0
  let open = false
  const all = functionsOf(() => {
    said++
    // The outbox sends at the end of the tick.
    if (!open) process.nextTick(() => (open = false))
    messages += open ? 0 : 1
    open = true
  })
  for (let attempt = 1; attempt <= 100; attempt++) {
    all.start(command('echo@1.0.0/run', { ref: ref('run', attempt), function: run }))
  }
  while (said < 100) await turn()
  // The loop has a turn of its own now and then, which may fall among them.
  expect(messages).toBeLessThanOrEqual(2)
})

test('a function that the worker does not have is answered for', () => {
  const { all, results } = functions()
  all.start(command('other@1.0.0/run', { ref: ref('run'), function: run }))
  expect(failureOf(results[0])).toMatchObject({ code: 'HANDLER_NOT_FOUND', retryable: false })
})

test('two functions of one name and version, and one of another namespace, are refused', () => {
  const reason = (tasks: ConstructorParameters<typeof Worker>[0]['tasks']): unknown => {
    try {
      return new Worker({ url: 'localhost:1', namespace: 'shop', tasks: tasks ?? [] })
    } catch (thrown) {
      return thrown instanceof TaskerError ? thrown.reason : thrown
    }
  }
  expect(reason([echo, echo])).toBe('DUPLICATE_HANDLER')
  const strange = defineFunction('echo', { namespace: 'bank', version: '1.0.0' }, () => 1)
  expect(reason([strange])).toBe('NAMESPACE_MISMATCH')
})
