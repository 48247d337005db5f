// The worker's side of W16 and W17: checkpoints are numbered, one on its way at a time, and said again until they are answered.
import { AckStatus, type StepResult } from '@tasker/proto'
import { defineBatchWorker, PermanentError, RetryableError, type Checkpoint } from '@tasker/sdk'
import { expect, test } from 'vitest'
import { command, failureOf, outputOf, payload, ref, resultsOf, WELCOME } from '../scripted-server.js'
import { turn } from '../virtual-clock.js'
import { startWorker } from './started-worker.js'

type Status = 'RECORDED' | 'DUPLICATE' | 'IGNORED' | 'REFUSED'

const ack = (checkpoint: number, status: Status = 'RECORDED', reason = '') => ({
  ref: ref('work'),
  status: AckStatus[`ACK_STATUS_${status}`],
  reason,
  message: '',
  checkpoint,
})

const saidOf = (results: readonly StepResult[]) =>
  results.flatMap(({ outcome }) => {
    if (outcome?.$case !== 'checkpoint') return []
    const { number, cursor, itemsProcessed, accumulated } = outcome.value
    const told = accumulated === undefined ? undefined : (JSON.parse(accumulated.data.toString()) as unknown)
    return [{ number, cursor: JSON.parse(cursor?.data.toString() ?? '') as unknown, itemsProcessed, accumulated: told }]
  })

const batch = {
  id: '001',
  index: 0,
  start: payload(0),
  end: payload(3),
  size: 3,
  isNoOp: false,
  workerTemplate: 'work',
  count: 1,
  cursorField: '',
  failureStrategy: '',
}

/** A worker whose handler saves what it is given, and tells what came of it. */
const saving = async (checkpoints: readonly Checkpoint[], more: Parameters<typeof command>[1] = {}) => {
  const told: unknown[] = []
  const signals: AbortSignal[] = []
  const handler = defineBatchWorker('work', async ({ checkpoint, cursor, signal }) => {
    signals.push(signal)
    if (cursor !== undefined) told.push(cursor)
    for (const progress of checkpoints) {
      try {
        await checkpoint(progress)
        told.push('saved')
      } catch (error) {
        told.push(error)
        throw error
      }
    }
    return 'done'
  })
  const started = await startWorker({ handlers: [handler] })
  started.server.worker().send({ commands: [command('work', { batch, ...more })] })
  await turn()
  return { ...started, told, signals }
}

test('a checkpoint resolves when the server has it, and the attempt goes on to its result', async () => {
  const { server, told } = await saving([
    { cursor: 1, itemsProcessed: 1, accumulated: { sum: 5 } },
    { cursor: { at: 2 }, itemsProcessed: 2 },
  ])
  expect(saidOf(resultsOf(server.worker()))).toEqual([{ number: 1, cursor: 1, itemsProcessed: 1, accumulated: { sum: 5 } }])
  expect(told).toEqual([])
  server.worker().send({ acks: [ack(1)] })
  await turn()
  expect(told).toEqual(['saved'])
  server.worker().send({ acks: [ack(2, 'DUPLICATE')] })
  await turn()
  expect(saidOf(resultsOf(server.worker())).map(({ number }) => number)).toEqual([1, 2])
  expect(told).toEqual(['saved', 'saved'])
  expect(outputOf(resultsOf(server.worker()).at(-1))).toBe('done')
})

test('what an attempt before saved is there, and what is saved now takes its place', async () => {
  const cursors: unknown[] = []
  const handler = defineBatchWorker('work', async (context) => {
    cursors.push(context.cursor)
    await context.checkpoint({ cursor: 9 })
    cursors.push(context.cursor)
  })
  const { server } = await startWorker({ handlers: [handler] })
  const checkpoint = { number: 3, cursor: payload(7), itemsProcessed: 7, accumulated: payload({ sum: 1 }) }
  server.worker().send({ commands: [command('work', { batch, checkpoint })] })
  await turn()
  expect(saidOf(resultsOf(server.worker()))[0]?.number).toBe(1)
  server.worker().send({ acks: [ack(1)] })
  await turn()
  expect(cursors).toEqual([
    { cursor: 7, itemsProcessed: 7, accumulated: { sum: 1 } },
    { cursor: 9, itemsProcessed: 7, accumulated: { sum: 1 } },
  ])
})

test('one that was not answered is said again after a reconnect, before the result of its attempt', async () => {
  const handler = defineBatchWorker('work', ({ checkpoint }) => {
    // Nobody waits for it: the result follows at once.
    checkpoint({ cursor: 1 }).catch(() => undefined)
    return 'done'
  })
  const { server, clock } = await startWorker({ handlers: [handler] })
  server.worker().send({ commands: [command('work', { batch })] })
  await turn()
  server.worker().break()
  clock.advance(5_000)
  expect(server.worker().received[0]?.hello?.running).toEqual([ref('work')])
  server.worker().send({ welcome: WELCOME })
  expect(resultsOf(server.worker()).map(({ outcome }) => outcome?.$case)).toEqual(['checkpoint', 'success'])
  server.worker().send({ acks: [ack(1)] })
  server.worker().break()
  clock.advance(5_000)
  server.worker().send({ welcome: WELCOME })
  expect(resultsOf(server.worker()).map(({ outcome }) => outcome?.$case)).toEqual(['success'])
})

test('several at once leave one after another', async () => {
  const handler = defineBatchWorker('work', async ({ checkpoint }) => {
    await Promise.all([checkpoint({ cursor: 'a' }), checkpoint({ cursor: 'b' })])
  })
  const { server } = await startWorker({ handlers: [handler] })
  server.worker().send({ commands: [command('work', { batch })] })
  await turn()
  expect(saidOf(resultsOf(server.worker())).map(({ cursor }) => cursor)).toEqual(['a'])
  server.worker().send({ acks: [ack(1)] })
  await turn()
  expect(saidOf(resultsOf(server.worker())).map(({ cursor }) => cursor)).toEqual(['a', 'b'])
})

test('a refusal rejects with its reason, and the attempt is still the worker’s', async () => {
  const { server, told } = await saving([{ cursor: 1 }])
  server.worker().send({ acks: [ack(1, 'REFUSED', 'CHECKPOINT_TOO_LARGE')] })
  await turn()
  expect(told).toEqual([expect.any(PermanentError)])
  expect(failureOf(resultsOf(server.worker()).at(-1))).toMatchObject({ code: 'CHECKPOINT_TOO_LARGE', retryable: false })
  const other = await saving([{ cursor: 1 }])
  other.server.worker().send({ acks: [ack(1, 'REFUSED', 'STREAM_QUARANTINED')] })
  await turn()
  expect(other.told).toEqual([expect.any(RetryableError)])
})

test('an attempt that is another worker’s by now is aborted, and sends no result', async () => {
  const { server, told, signals } = await saving([{ cursor: 1 }])
  server.worker().send({ acks: [ack(1, 'IGNORED', 'LEASE_LOST')] })
  await turn()
  expect(signals[0]?.aborted).toBe(true)
  expect(told).toEqual([expect.objectContaining({ name: 'CancelledError' })])
  expect(resultsOf(server.worker())).toHaveLength(1)
})

test('a cancellation ends the wait for a checkpoint, and no other is said', async () => {
  const { server, told } = await saving([{ cursor: 1 }, { cursor: 2 }])
  server.worker().send({ cancellations: [{ ref: ref('work') }] })
  await turn()
  expect(told).toEqual([expect.objectContaining({ name: 'CancelledError' })])
  expect(resultsOf(server.worker()).map(({ outcome }) => outcome?.$case)).toEqual(['checkpoint', 'cancelled'])
})

test('a saved checkpoint gives the attempt its time anew', async () => {
  const { server, clock, signals } = await saving([{ cursor: 1 }, { cursor: 2 }], { timeoutMs: 1_000 })
  clock.advance(800)
  server.worker().send({ acks: [ack(1)] })
  await turn()
  clock.advance(900)
  expect(signals[0]?.aborted).toBe(false)
  clock.advance(200)
  expect(signals[0]?.aborted).toBe(true)
})

test('a checkpoint that JSON cannot hold, or that is too large, is not sent and takes no number', async () => {
  const told: unknown[] = []
  const handler = defineBatchWorker('work', async ({ checkpoint }) => {
    const nonsense: readonly Checkpoint[] = [
      { cursor: Number.NaN },
      { cursor: 0, accumulated: { text: 'x'.repeat(1_000) } },
      { cursor: 0, itemsProcessed: -1 },
    ]
    for (const progress of nonsense) await checkpoint(progress).catch((error: unknown) => told.push(error))
    await checkpoint({ cursor: 5 })
  })
  const { server } = await startWorker({ handlers: [handler] })
  server.worker().send({ commands: [command('work', { batch })] })
  await turn()
  expect(told).toEqual([
    expect.objectContaining({ code: 'RESULT_NOT_SERIALIZABLE' }),
    expect.objectContaining({ code: 'CHECKPOINT_TOO_LARGE' }),
    expect.objectContaining({ code: 'INVALID_COUNT' }),
  ])
  expect(saidOf(resultsOf(server.worker())).map(({ number, cursor }) => ({ number, cursor }))).toEqual([{ number: 1, cursor: 5 }])
})
