/** Seals of a running engine: when they are made, what they cover (Z1 to Z5), and how they are published (P1, P2). */
import { durationMs } from '@tasker/core'
import type { Finding } from '@tasker/server/internal/audit/findings'
import type { PublishedSeal, PublishedSeals } from '@tasker/server/internal/audit/published-seals'
import type { Seal } from '@tasker/server/internal/audit/seal'
import { sealOf } from '@tasker/server/internal/audit/seal-commit'
import { verifyLog } from '@tasker/server/internal/audit/verify'
import type { SealingPorts } from '@tasker/server/internal/engine/seals/sealer'
import { type MemoryLog, memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { describe, expect, test } from 'vitest'
import { startTestEngine, submissionOf, Switchboard, type TestEngine } from '../../../support/engine.js'
import { newSealKey } from '../../../support/sealed.js'
import { VirtualClock } from '../../../support/virtual-clock.js'

const PARTITIONS = 2
const AFTER_MS = 1_000
const key = newSealKey()
const trusted = new Set([key.publicKey])

const sealing = (more: Partial<SealingPorts> = {}): SealingPorts => ({
  key,
  commitsMax: 10_000,
  afterMs: durationMs(AFTER_MS),
  published: undefined,
  trouble: () => undefined,
  ...more,
})

const engineOn = async (log: MemoryLog, clock: VirtualClock, more: Partial<SealingPorts> = {}): Promise<TestEngine> => {
  const running = await startTestEngine({ log, clock, sealing: sealing(more) })
  await running.register('order', [{ name: 'a' }, { name: 'b', after: ['a'] }])
  return running
}

/** Tasks with so many steps done, one after another. */
const work = async (running: TestEngine, first: number, tasks: number): Promise<void> => {
  const worker = running.worker()
  for (let n = first; n < first + tasks; n++) {
    await running.submitted(submissionOf(n))
    await worker.workOff()
  }
}

const sealsIn = (log: MemoryLog): readonly (Seal & { readonly seq: number })[] =>
  log.all().flatMap((commit) => {
    const seal = sealOf(commit)
    return seal === undefined ? [] : [{ ...seal, seq: commit.seq }]
  })

const findingIn = async (log: MemoryLog): Promise<Finding | undefined> => (await verifyLog(log.audit, { trusted })).finding

/** Places that no seal covers and that are no seals themselves. */
const unsealed = (log: MemoryLog): readonly string[] => {
  const seals = sealsIn(log)
  return log
    .all()
    .filter((commit) => sealOf(commit) === undefined)
    .filter(
      ({ partition, seq }) => !seals.some((seal) => seal.partition === partition && seal.from_seq <= seq && seq <= seal.to_seq),
    )
    .map(({ partition, seq }) => `${partition}:${seq}`)
}

describe('a seal', () => {
  test('covers what waited for as long as the settings say, and then nothing more is sealed', async () => {
    const log = memoryLog({ partitionCount: PARTITIONS })
    const clock = new VirtualClock()
    const running = await engineOn(log, clock)
    await work(running, 1, 3)
    expect(sealsIn(log)).toEqual([])
    expect(running.engine.health().seals).toMatchObject({ waitingMs: 0, problem: undefined })
    await clock.advance(AFTER_MS)
    expect(sealsIn(log)).toHaveLength(PARTITIONS)
    expect(unsealed(log)).toEqual([])
    expect(await findingIn(log)).toBeUndefined()
    // Z4
    const written = log.all().length
    await clock.advance(20 * AFTER_MS)
    expect(log.all()).toHaveLength(written)
  })

  test('covers so many commits at most, without waiting', async () => {
    const log = memoryLog({ partitionCount: 1 })
    const running = await engineOn(log, new VirtualClock(), { commitsMax: 10 })
    await work(running, 1, 30)
    const seals = sealsIn(log)
    expect(seals.length).toBeGreaterThan(8)
    expect(seals.map(({ from_seq, to_seq }) => to_seq - from_seq + 1)).toEqual(seals.map(() => 10))
    expect(seals.every(({ to_seq, seq }) => to_seq < seq)).toBe(true)
    expect(await findingIn(log)).toBeUndefined()
  })

  test('is made by the next server for what the last one left, a bounded number of commits each', async () => {
    const log = memoryLog({ partitionCount: 1 })
    const clock = new VirtualClock()
    const unsealing = await startTestEngine({ log, clock })
    await unsealing.register('order', [{ name: 'a' }])
    await work(unsealing, 1, 40)
    const running = await startTestEngine({ log, clock, sealing: sealing({ commitsMax: 16 }) })
    await work(running, 100, 1)
    await clock.advance(AFTER_MS)
    expect(sealsIn(log).every(({ from_seq, to_seq }) => to_seq - from_seq < 16)).toBe(true)
    expect(unsealed(log)).toEqual([])
    expect(await findingIn(log)).toBeUndefined()
  })

  test('is made for the rest when a server stops', async () => {
    const log = memoryLog({ partitionCount: PARTITIONS })
    const running = await engineOn(log, new VirtualClock())
    await work(running, 1, 2)
    await running.engine.stop()
    expect(unsealed(log)).toEqual([])
    expect(await findingIn(log)).toBeUndefined()
  })

  test('of a server that lost its partition is never written', async () => {
    const log = memoryLog({ partitionCount: 1 })
    const clock = new VirtualClock()
    const old = await engineOn(log, clock)
    await work(old, 1, 1)
    const young = await startTestEngine({ log, clock: new VirtualClock(), sealing: sealing() })
    await clock.advance(AFTER_MS)
    expect(old.fenced).toHaveLength(1)
    expect(sealsIn(log)).toEqual([])
    await young.clock.advance(AFTER_MS)
    expect(sealsIn(log).map(({ epoch }) => epoch)).toEqual([2])
    expect(await findingIn(log)).toBeUndefined()
  })

  test.each(['never', 'before'] as const)('is there once when the answer to its append was lost, written %s', async (written) => {
    const faults = new Switchboard()
    const log = memoryLog({ partitionCount: 1, faults })
    const clock = new VirtualClock()
    const running = await engineOn(log, clock)
    await work(running, 1, 2)
    let lost = 0
    faults.append = (rows) =>
      rows.some(({ commit }) => sealOf(commit)) && lost++ === 0 ? { type: 'unknown', written } : { type: 'delivered' }
    await clock.advance(AFTER_MS)
    expect(lost).toBeGreaterThan(0)
    expect(sealsIn(log)).toHaveLength(1)
    expect(unsealed(log)).toEqual([])
    expect(await findingIn(log)).toBeUndefined()
  })

  test('that the log refused is made anew from what the log holds (Z5)', async () => {
    const faults = new Switchboard()
    const log = memoryLog({ partitionCount: 1, faults })
    const clock = new VirtualClock()
    const troubles: (string | undefined)[] = []
    const running = await engineOn(log, clock, { trouble: (_, message) => troubles.push(message) })
    await work(running, 1, 2)
    let refused = 0
    faults.append = (rows) =>
      rows.some(({ commit }) => sealOf(commit)) && refused++ === 0 ? { type: 'refused', message: 'no' } : { type: 'delivered' }
    await clock.advance(AFTER_MS)
    await work(running, 10, 2)
    expect(sealsIn(log)).toEqual([])
    await clock.advance(3 * AFTER_MS)
    expect(sealsIn(log).length).toBeGreaterThan(0)
    expect(troubles).toEqual([expect.stringContaining('a seal was lost: no'), undefined])
    expect(unsealed(log)).toEqual([])
    expect(await findingIn(log)).toBeUndefined()
  })

  test('waits for a log that cannot be read when the server starts', async () => {
    const faults = new Switchboard()
    const log = memoryLog({ partitionCount: 1, faults })
    const clock = new VirtualClock()
    let failures = 2
    const shaky: MemoryLog = {
      ...log,
      audit: {
        ...log.audit,
        lastSeal: (...asked) => (failures-- > 0 ? Promise.reject(new Error('the log is away')) : log.audit.lastSeal(...asked)),
      },
    }
    const running = await engineOn(shaky, clock)
    await work(running, 1, 2)
    expect(running.engine.health().seals?.problem).toContain('the log is away')
    await clock.advance(5 * AFTER_MS)
    expect(running.engine.health().seals?.problem).toBeUndefined()
    expect(unsealed(log)).toEqual([])
  })
})

/** A published list in memory that a test makes fail. */
const shelf = (): PublishedSeals & { readonly lists: Map<number, PublishedSeal[]>; failing: boolean } => {
  const lists = new Map<number, PublishedSeal[]>()
  const self = {
    lists,
    failing: false,
    last: (partition: number) =>
      self.failing ? Promise.reject(new Error('no such folder')) : Promise.resolve(lists.get(partition)?.at(-1)),
    append: (partition: number, seals: readonly PublishedSeal[]) => {
      if (self.failing) return Promise.reject(new Error('no space left'))
      lists.set(partition, [...(lists.get(partition) ?? []), ...seals])
      return Promise.resolve()
    },
  }
  return self
}

describe('published seals', () => {
  test('are those of the log, in order, and gaps are filled when the folder is back', async () => {
    const log = memoryLog({ partitionCount: 1 })
    const clock = new VirtualClock()
    const published = shelf()
    const troubles: (string | undefined)[] = []
    const running = await engineOn(log, clock, {
      published,
      trouble: (what, message) => (what === 'published seals' ? troubles.push(message) : undefined),
    })
    await work(running, 1, 1)
    await clock.advance(AFTER_MS)
    expect(published.lists.get(0)).toHaveLength(1)
    published.failing = true
    for (const n of [2, 3]) {
      await work(running, n, 1)
      await clock.advance(AFTER_MS)
    }
    expect(published.lists.get(0)).toHaveLength(1)
    expect(running.engine.health().seals).toMatchObject({ problem: 'partition 0: no space left' })
    expect(running.engine.health().seals?.unpublishedMs).toBeGreaterThanOrEqual(AFTER_MS)
    published.failing = false
    await clock.advance(10_000)
    expect(published.lists.get(0)?.map(({ seal }) => seal.to_seq)).toEqual(sealsIn(log).map(({ to_seq }) => to_seq))
    expect(running.engine.health().seals).toMatchObject({ unpublishedMs: 0, problem: undefined })
    expect(troubles.at(0)).toContain('no space left')
    expect(troubles.at(-1)).toBeUndefined()
  })

  test('are not appended to a list of another log (P2)', async () => {
    const published = shelf()
    const first = await engineOn(memoryLog({ partitionCount: 1 }), new VirtualClock(), { published })
    await work(first, 1, 1)
    await first.clock.advance(AFTER_MS)
    const before = published.lists.get(0)
    const second = await engineOn(memoryLog({ partitionCount: 1 }), new VirtualClock(), { published })
    await work(second, 7, 2)
    await second.clock.advance(AFTER_MS)
    expect(published.lists.get(0)).toEqual(before)
    expect(second.engine.health().seals?.problem).toContain('the log does not go on from it')
  })
})
