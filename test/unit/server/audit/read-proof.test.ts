/** Proofs read from the log of a running engine, sealed first where they must be. */
import { durationMs, elementAt, partitionNumber } from '@tasker/core'
import { checkProof } from '@tasker/server/internal/audit/check-proof'
import { readProof, SealedRanges } from '@tasker/server/internal/audit/read-proof'
import { sealOf } from '@tasker/server/internal/audit/seal-commit'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { expect, test } from 'vitest'
import { requestId, startTestEngine, submissionOf, type TestEngineOptions } from '../../../support/engine.js'
import { newSealKey } from '../../../support/sealed.js'
import { VirtualClock } from '../../../support/virtual-clock.js'

const key = newSealKey()
const trusted = new Set([key.publicKey])
const STEPS = [{ name: 'a' }, { name: 'b', after: ['a'] }, { name: 'c', after: ['b'] }]

const sealing = (commitsMax: number): Required<Pick<TestEngineOptions, 'sealing'>> => ({
  sealing: { key, commitsMax, afterMs: durationMs(3_600_000), published: undefined, trouble: () => undefined },
})

const worked = async (commitsMax: number) => {
  const log = memoryLog({ partitionCount: 2 })
  const running = await startTestEngine({ log, clock: new VirtualClock(), ...sealing(commitsMax) })
  await running.register('order', STEPS)
  const worker = running.worker()
  const ids = []
  for (let n = 1; n <= 10; n++) {
    ids.push(await running.submitted(submissionOf(n)))
    await worker.workOff()
  }
  return { log, running, ids, sealed: running.engine.sealed.bind(running.engine) }
}

test.each([10, 10_000])('each task has a proof, with seals of %i commits', async (commitsMax) => {
  const { log, running, ids, sealed } = await worked(commitsMax)
  for (const taskId of ids) {
    const proof = await running.soon(readProof({ log, sealed }, taskId))
    expect(checkProof(JSON.parse(JSON.stringify(proof)), trusted)).toMatchObject({
      type: 'sound',
      taskId,
      log: 'memory',
      lastType: 'task.completed',
    })
  }
})

test('a proof asks for a seal only where none covers its commits', async () => {
  const { log, running, ids, sealed } = await worked(10_000)
  const taskId = elementAt(ids, 0, 'a task')
  const seals = () => log.all().filter((commit) => sealOf(commit) !== undefined).length
  await running.soon(readProof({ log, sealed }, taskId))
  expect(seals()).toBe(1)
  await readProof({ log, sealed: () => Promise.reject(new Error('not asked')) }, taskId)
  expect(seals()).toBe(1)
})

test('there is no proof of a task that is not there', async () => {
  const { log, sealed } = await worked(10)
  expect(await readProof({ log, sealed }, requestId(99))).toBeUndefined()
})

test('a server without seals says so, and one whose log was changed makes no proof', async () => {
  const { log, running, ids, sealed } = await worked(10_000)
  const plain = await startTestEngine({ log: memoryLog({ partitionCount: 1 }) })
  await expect(plain.engine.sealed(partitionNumber(0), 1)).rejects.toMatchObject({ reason: 'SEALS_OFF' })
  const taskId = elementAt(ids, 0, 'a task')
  await running.soon(readProof({ log, sealed }, taskId))
  const changed = {
    ...log,
    audit: {
      ...log.audit,
      async *hashes(...asked: Parameters<typeof log.audit.hashes>) {
        for await (const page of log.audit.hashes(...asked)) yield page.toReversed().map((one, at) => ({ ...one, seq: at + 1 }))
      },
    },
  }
  await expect(readProof({ log: changed, sealed }, taskId)).rejects.toMatchObject({ reason: 'LOG_NOT_AS_SEALED' })
})

test('a seal that cannot be made in time is a fault that a repeat may mend', async () => {
  const { running } = await worked(10_000)
  const waiting = expect(running.engine.sealed(partitionNumber(0), 1_000_000)).rejects.toMatchObject({ reason: 'SEAL_NOT_MADE' })
  await running.clock.advance(10_000)
  await waiting
})

test('a range that was read is kept for its neighbours', async () => {
  const { log, running, ids, sealed } = await worked(10_000)
  await running.soon(readProof({ log, sealed }, elementAt(ids, 0, 'a task')))
  const first = log.all().find((commit) => sealOf(commit) !== undefined)
  const partition = partitionNumber(first?.partition ?? 0)
  const ranges = new SealedRanges(log.audit)
  const range = await ranges.of(partition, 1)
  expect(range?.seal.from_seq).toBe(1)
  expect(await ranges.of(partition, 2)).toBe(range)
  expect(await ranges.of(partition, 1_000_000)).toBeUndefined()
})
