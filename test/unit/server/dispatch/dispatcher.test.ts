import { durationMs, handlerName, instant, type ReadyRow } from '@tasker/core'
import { Dispatcher } from '@tasker/server/internal/dispatch/dispatcher'
import { queueKey } from '@tasker/server/internal/dispatch/worker'
import { Workers } from '@tasker/server/internal/dispatch/workers'
import { type QueueRequest, type QueueScan, scanQueue } from '@tasker/server/internal/projections/queue-scan'
import { TimerWheel } from '@tasker/server/internal/timers/timer-wheel'
import { expect, test } from 'vitest'
import { newWorkerId, requestId, SHOP } from '../../../support/engine.js'
import { readyRowOf, scanOf } from '../../../support/ready-row.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const row = (n: number, handler = 'work', priority = 0, fairnessKey = ''): ReadyRow =>
  readyRowOf({ taskId: requestId(n), namespace: SHOP, handler: handlerName(handler), priority, fairnessKey, readyAt: instant(n) })

interface Hall {
  readonly clock: VirtualClock
  readonly workers: Workers
  readonly dispatcher: Dispatcher
  readonly started: ReadyRow[]
  readonly connect: (handlers: readonly string[], slots: number) => () => void
  /** One attempt ends: the slot it had is free. */
  readonly finish: (row: ReadyRow) => void
}

const hall = (ready: (request: QueueRequest) => Promise<QueueScan>): Hall => {
  const clock = new VirtualClock()
  const wheel = new TimerWheel(clock)
  const workers: Workers = new Workers(
    clock,
    wheel,
    { graceMs: durationMs(10_000), silenceMs: durationMs(3_600_000) },
    { released: () => undefined, lost: () => undefined, timedOut: () => undefined, slotsFreed: () => dispatcher.poke() },
  )
  const started: ReadyRow[] = []
  const dispatcher: Dispatcher = new Dispatcher(
    clock,
    workers,
    { ready: (_namespace, _queue, request) => ready(request) },
    (one, worker) => {
      started.push(one)
      workers.open(worker, one, instant(clock.now() + 60_000))
    },
  )
  const connect = (handlers: readonly string[], slots: number): (() => void) => {
    const port = {
      command: () => undefined,
      ack: () => undefined,
      cancel: () => undefined,
      news: () => undefined,
      flush: () => undefined,
      close: () => undefined,
    }
    const { worker } = workers.connect(
      {
        workerId: newWorkerId(),
        namespace: SHOP,
        handlers: handlers.map(handlerName),
        slots,
        codeVersion: '',
        sdk: '',
        host: '',
        running: [],
      },
      port,
    )
    return () => workers.drain(worker)
  }
  return { clock, workers, dispatcher, started, connect, finish: (one) => void workers.end(one) }
}

const nothing = (request: QueueRequest) => Promise.resolve(scanOf([], request))

test('steps start on free slots in order, the higher priority first, and wait while there is none', async () => {
  const { dispatcher, started, connect, finish } = hall(nothing)
  for (const one of [row(1), row(2), row(3, 'work', 5)]) dispatcher.add(one)
  await settled()
  expect(started).toEqual([])
  connect(['work'], 1)
  await settled()
  expect(started.map(({ taskId }) => taskId)).toEqual([requestId(3)])
  finish(row(3))
  await settled()
  finish(row(1))
  await settled()
  expect(started.map(({ taskId }) => taskId)).toEqual([requestId(3), requestId(1), requestId(2)])
  expect(dispatcher.infos()).toEqual([])
})

test('a long queue does not keep a short one waiting, however rarely a slot becomes free', async () => {
  const { dispatcher, started, connect, finish } = hall(nothing)
  for (let n = 0; n < 100; n++) dispatcher.add(row(n, 'long'))
  for (let n = 100; n < 103; n++) dispatcher.add(row(n, 'short'))
  connect(['long', 'short'], 1)
  await settled()
  for (let n = 0; n < 6; n++) {
    const last = started[started.length - 1]
    if (last === undefined) throw new Error('nothing was started')
    finish(last)
    await settled()
  }
  expect(started.filter(({ handler }) => handler === 'short')).toHaveLength(3)
})

test('many slots at once are shared between the queues that wait', async () => {
  const { dispatcher, started, connect } = hall(nothing)
  for (let n = 0; n < 100; n++) dispatcher.add(row(n, 'long'))
  for (let n = 100; n < 105; n++) dispatcher.add(row(n, 'short'))
  connect(['long', 'short'], 10)
  await settled()
  expect(started.filter(({ handler }) => handler === 'short')).toHaveLength(5)
  expect(started).toHaveLength(10)
})

test('a queue whose rows are in the projection only is read when a worker serves it', async () => {
  let reads = 0
  const { dispatcher, started, connect } = hall((request) => {
    reads++
    return Promise.resolve(scanOf([row(1), row(2)], request))
  })
  dispatcher.stored(SHOP, handlerName('work'), 2)
  await settled()
  expect(reads).toBe(0)
  connect(['work'], 5)
  await settled()
  expect(reads).toBe(1)
  expect(started).toHaveLength(2)
  expect(dispatcher.infos()).toEqual([])
})

test('a queue longer than its window is refilled until the last step has started', async () => {
  const all = Array.from({ length: 12_000 }, (_, n) => row(n))
  const gone = new Set<string>()
  const { dispatcher, started, connect, finish } = hall((request) => {
    const left = all.filter(({ taskId }) => !gone.has(taskId))
    return Promise.resolve(scanOf(left, request))
  })
  for (const one of all) dispatcher.add(one)
  connect(['work'], 1_000)
  await settled()
  for (let done = 0; done < started.length; done++) {
    const one = started[done]
    if (one === undefined) break
    gone.add(one.taskId)
    finish(one)
    if (done % 500 === 0) await settled()
    if (done === started.length - 1) await settled()
  }
  expect(new Set(started.map(({ taskId }) => taskId)).size).toBe(12_000)
})

test.each(['fails', 'brings nothing new'])('a refill that %s is tried again after a pause, not at once', async (how) => {
  let reads = 0
  let well = false
  const { clock, dispatcher, started, connect } = hall((request) => {
    reads++
    if (well) return Promise.resolve(scanOf([row(1)], request))
    // All that the store has for its share is stale: what came instead is not told yet.
    const stale = scanQueue([row(1)], { ...request, rowsMax: 1 }, () => true, [])
    return how === 'fails' ? Promise.reject(new Error('away')) : Promise.resolve(stale)
  })
  dispatcher.stored(SHOP, handlerName('work'), 2)
  connect(['work'], 1)
  await clock.advance(1_000)
  expect(reads).toBeLessThanOrEqual(6)
  expect(reads).toBeGreaterThan(1)
  well = true
  await clock.advance(1_000)
  expect(started).toHaveLength(1)
})

test('nothing starts while it is paused or after it stopped', async () => {
  const { dispatcher, started, connect } = hall(nothing)
  connect(['work'], 5)
  dispatcher.pause('log')
  dispatcher.add(row(1))
  await settled()
  expect(started).toEqual([])
  dispatcher.resume('log')
  await settled()
  expect(started).toHaveLength(1)
  dispatcher.stop()
  dispatcher.add(row(2))
  await settled()
  expect(started).toHaveLength(1)
})

test('what waits and who serves it can be looked at', async () => {
  const { dispatcher, connect } = hall(nothing)
  const drain = connect(['work'], 1)
  for (const one of [row(1), row(2), row(3)]) dispatcher.add(one)
  await settled()
  expect(dispatcher.infos()).toEqual([{ namespace: SHOP, handler: 'work', waiting: 2, workers: 1 }])
  expect(dispatcher.first(queueKey(SHOP, handlerName('work')))?.taskId).toBe(requestId(2))
  drain()
  expect(dispatcher.infos()).toMatchObject([{ workers: 0 }])
})
