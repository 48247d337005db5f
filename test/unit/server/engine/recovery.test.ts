import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import type { EventLog } from '@tasker/server/internal/log/port'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { durationMs, instant } from '@tasker/core'
import { expect, test } from 'vitest'
import { PARTITIONS, requestId, startTestEngine, type StepShape, submissionOf, Switchboard } from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const ONE: readonly StepShape[] = [{ name: 'a', timeoutS: 600 }]

test('a server that starts anew brings the rows up to the log, whatever of it they held', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const old = memoryStore()
  const first = await startTestEngine({ log, store: old })
  await first.register('order', ONE)
  const worker = first.worker({ slots: 3 })
  for (let n = 0; n < 10; n++) await first.submitted(submissionOf(n, n === 4 ? { idempotencyKey: 'k' } : {}))
  await first.clock.advance(200)
  const [command] = worker.commands
  if (command !== undefined) worker.complete(command)
  await settled()
  const fresh = memoryStore()
  const second = await startTestEngine({ log, store: fresh, clock: first.clock })
  const third = await startTestEngine({ log, store: old, clock: first.clock })
  expect(second.engine.recovered?.commitsCaughtUp).toBeGreaterThan(10)
  expect(third.engine.recovered?.attemptsOut).toBe(second.engine.recovered?.attemptsOut)
  expect(old.dump().tasks).toEqual(fresh.dump().tasks)
  expect(old.dump().ready).toEqual(fresh.dump().ready)
  expect(old.dump().timers).toEqual(fresh.dump().timers)
  expect(fresh.dump().identities.size).toBe(1)
  expect(fresh.dump().activity).toMatchObject([{ submitted: 10 }, { step: 'a', completed: 1 }])
  expect(old.dump().activity).toEqual(fresh.dump().activity)
})

test('more tasks than are folded at a time are caught up in stretches', async () => {
  const log = memoryLog({ partitionCount: 1 })
  const first = await startTestEngine({ log })
  await first.register('order', ONE)
  for (let n = 0; n < 2_300; n++) first.submit(submissionOf(n))
  await settled()
  const store = memoryStore()
  let writes = 0
  const counted = {
    ...store,
    write: (batch: Parameters<typeof store.write>[0]) => {
      writes++
      return store.write(batch)
    },
  }
  const second = await startTestEngine({ log, store: counted, settings: { cacheBytesMax: 50_000 } })
  expect(writes).toBeGreaterThanOrEqual(3)
  expect(store.dump().tasks).toHaveLength(2_300)
  expect(store.dump().ready).toHaveLength(2_300)
  const worker = second.worker({ slots: 100 })
  await settled()
  await worker.workOff()
  expect(worker.acks).toHaveLength(2_300)
})

test('attempts that were out keep their grace: a worker that names them goes on, the others are lost and tried again', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store = memoryStore()
  const first = await startTestEngine({ log, store })
  await first.register('order', [{ name: 'a', timeoutS: 5 }])
  const [kept, gone] = [first.worker({ slots: 1 }), first.worker({ slots: 1 })]
  await first.submitted(submissionOf(1))
  await first.submitted(submissionOf(2))
  await first.clock.advance(1_000)
  // The server is away for longer than the steps may take.
  first.clock.jumpWall(60_000)
  const second = await startTestEngine({ log, store, clock: first.clock })
  expect(second.engine.recovered?.attemptsOut).toBe(2)
  const back = second.worker({ id: kept.id, slots: 1, running: [kept.command('a')] })
  expect(back.session.forgotten).toEqual([])
  await second.clock.advance(5_000)
  back.complete(kept.command('a'))
  await settled()
  expect(back.acks).toMatchObject([{ status: 'recorded' }])
  await second.clock.advance(6_000)
  expect(await second.types(gone.command('a').taskId)).toContain('step.failed')
  await back.workOff()
  expect((await second.types(gone.command('a').taskId)).at(-1)).toBe('task.completed')
})

test('what waited for a worker, for its retry and for its hour goes on after a restart', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store = memoryStore()
  const clock = new VirtualClock()
  const first = await startTestEngine({ log, store, clock })
  await first.register('order', [{ name: 'a', backoffMs: 30_000, timeoutS: 600 }])
  const worker = first.worker({ slots: 1 })
  const retried = await first.submitted(submissionOf(1))
  worker.fail(worker.command('a'))
  worker.session.drain()
  await settled()
  const queued = await first.submitted(submissionOf(2))
  const later = await first.submitted(submissionOf(3, { runAt: instant(clock.now() + 120_000) }))
  const second = await startTestEngine({ log, store, clock })
  const next = second.worker()
  await settled()
  await next.workOff()
  expect((await second.types(queued)).at(-1)).toBe('task.completed')
  for (let n = 0; n < 8; n++) {
    await clock.advance(5_000)
    next.session.heard()
  }
  await next.workOff()
  expect((await second.types(retried)).at(-1)).toBe('task.completed')
  expect(await second.types(later)).toHaveLength(2)
  for (let n = 0; n < 20; n++) {
    await clock.advance(5_000)
    next.session.heard()
  }
  await next.workOff()
  expect((await second.types(later)).at(-1)).toBe('task.completed')
})

test('a poisoned task in the tail is set aside; the others recover, and its key still stands in nobody’s way', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const first = await startTestEngine({ log })
  await first.register('order', ONE)
  for (let n = 0; n < 10; n++) await first.submitted(submissionOf(n))
  const poisoned = await first.submitted(submissionOf(50))
  const bad: EventLog = {
    ...log,
    async *readStream(stream, from) {
      for await (const page of log.readStream(stream, from))
        yield stream.id === poisoned ? page.map((commit) => ({ ...commit, text: '[{"no":' })) : page
    },
  }
  const store = memoryStore()
  const second = await startTestEngine({ log: bad, store })
  expect(second.quarantined).toMatchObject([{ taskId: poisoned }])
  expect(store.dump().tasks).toHaveLength(10)
  await expect(second.engine.read(poisoned)).rejects.toMatchObject({ detail: { reason: 'STREAM_QUARANTINED' } })
  expect(second.engine.health().quarantined).toHaveLength(1)
  const worker = second.worker({ slots: 20 })
  await settled()
  await worker.workOff()
  expect(worker.acks).toHaveLength(10)
})

test('a start that fails half-way through the tail leaves no checkpoint without its rows', async () => {
  const log = memoryLog({ partitionCount: 1 })
  const first = await startTestEngine({ log })
  await first.register('order', ONE)
  for (let n = 0; n < 5; n++) await first.submitted(submissionOf(n))
  const clock = new VirtualClock()
  let loads = 0
  const flaky: EventLog = {
    ...log,
    async *readStream(stream, from) {
      if (++loads === 4) throw new Error('away')
      await clockTick
      yield* log.readStream(stream, from)
    },
  }
  const clockTick = new Promise<void>((resolve) => clock.after(durationMs(300), resolve))
  const store = memoryStore()
  const failing = startTestEngine({ log: flaky, store, clock }).catch((error: unknown) => error)
  await clock.advance(2_000)
  expect(await failing).toBeInstanceOf(Error)
  const second = await startTestEngine({ log, store, clock })
  expect(store.dump().tasks).toHaveLength(5)
  const worker = second.worker()
  await settled()
  await worker.workOff()
  expect(worker.acks).toHaveLength(5)
})

test('a start that finds the log unreadable fails, and leaves nothing running', async () => {
  const faults = new Switchboard()
  const log = memoryLog({ partitionCount: PARTITIONS, faults })
  const first = await startTestEngine({ log })
  await first.register('order', ONE)
  await first.submitted(submissionOf(1))
  const clock = new VirtualClock()
  let reads = 0
  faults.read = () => (++reads > 2 * PARTITIONS + 1 ? Promise.reject(new Error('away')) : undefined)
  const starting = startTestEngine({ log, clock }).catch((error: unknown) => error)
  await clock.advance(1_000)
  expect(await starting).toBeInstanceOf(Error)
  await clock.advance(20_000)
  expect(clock.alarms).toBe(0)
})

test('nothing is answered while it recovers, while its hold is in doubt, once it is fenced, or while it stops; resuming ends the doubt only', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const made = await startTestEngine({ log })
  await made.register('order', ONE)
  const taskId = await made.submitted(submissionOf(1))
  const problems = () => made.engine.health().problems
  expect(problems()).toEqual([])
  made.engine.suspend('the connection is gone')
  expect(problems()).toEqual(['the connection is gone'])
  expect(made.submit(submissionOf(2))).toMatchObject([{ type: 'failed', fault: { reason: 'SERVER_NOT_READY' } }])
  await expect(made.engine.read(taskId)).rejects.toMatchObject({ detail: { reason: 'SERVER_NOT_READY' } })
  made.engine.resume()
  expect(problems()).toEqual([])
  const other = await startTestEngine({ log, clock: made.clock })
  made.submit(submissionOf(3))
  await settled()
  expect(made.fenced).toHaveLength(1)
  made.engine.resume()
  expect(problems()[0]).toMatch(/^another server took over/)
  const stopping = other.engine.stop()
  other.engine.suspend('doubt')
  other.engine.resume()
  expect(other.engine.health().ready).toBe(false)
  await made.clock.advance(1_000)
  await stopping
  await other.engine.stop()
  expect(await other.cancel(requestId(1))).toMatchObject({ type: 'failed', fault: { reason: 'SERVER_NOT_READY' } })
})
