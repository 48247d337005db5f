import { instant, type Partition, partitionNumber } from '@tasker/core'
import { APPEND_SILENT_MS_MAX, GroupCommit, type PendingCommit, type Settled } from '@tasker/server/internal/engine/group-commit'
import { commitHash, NO_PREVIOUS_HASH } from '@tasker/server/internal/log/commit-hash'
import { type FaultPolicy, type MemoryLog, memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import type { CommitDraft, Ownership } from '@tasker/server/internal/log/port'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gate, Switchboard } from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

const P0 = partitionNumber(0)
const P1 = partitionNumber(1)
const NOW = instant(1_700_000_000_000)

interface Bench {
  readonly clock: VirtualClock
  readonly log: MemoryLog
  readonly commits: GroupCommit
  readonly partitionsLost: Partition[]
  readonly availability: boolean[]
  readonly ownerships: readonly Ownership[]
}

const bench = async (faults?: FaultPolicy, batchCommitsMax = 500): Promise<Bench> => {
  const clock = new VirtualClock()
  const log = memoryLog(faults === undefined ? { partitionCount: 2 } : { partitionCount: 2, faults })
  const partitionsLost: Partition[] = []
  const availability: boolean[] = []
  const commits = new GroupCommit(
    log,
    clock,
    { batchCommitsMax, batchCharsMax: 1_000_000 },
    {
      acknowledged: () => undefined,
      flushed: () => undefined,
      failed: () => undefined,
      partitionLost: (partition) => partitionsLost.push(partition),
      logAvailable: (available) => availability.push(available),
    },
  )
  const ownerships = [await log.acquire(P0, 'a', NOW), await log.acquire(P1, 'a', NOW)]
  for (const ownership of ownerships) commits.own(ownership)
  return { clock, log, commits, partitionsLost, availability, ownerships }
}

const draft = (id: string, partition: Partition = P0, firstVersion = 1, text = `[{"id":"${id}"}]`): CommitDraft => {
  const content = {
    stream: { kind: 'task', id },
    partition,
    firstVersion,
    namespace: 'shop',
    at: NOW,
    actor: 'tester',
    worker: undefined,
    cause: 'submit',
    types: ['task.submitted'],
    text,
  } as const
  return { ...content, hash: commitHash(content, NO_PREVIOUS_HASH) }
}

/** How each commit was settled, by the order of the settling. */
class Book {
  readonly lines: string[] = []
  readonly settled = new Map<string, Settled[]>()

  commit(of: CommitDraft, heard: () => void = () => undefined): PendingCommit {
    const key = `${of.stream.id}@${of.firstVersion}`
    return {
      draft: of,
      settle: (how) => {
        this.settled.set(key, [...(this.settled.get(key) ?? []), how])
        this.lines.push(how.type === 'durable' ? `${key} durable ${how.seq}` : `${key} ${how.reason}`)
        heard()
      },
    }
  }
}

const idsOf = (log: MemoryLog, partition: Partition): string[] =>
  log
    .all()
    .filter((commit) => commit.partition === partition && commit.stream.kind === 'task')
    .map(({ stream, firstVersion }) => `${stream.id}@${firstVersion}`)

test('commits become durable in the order they came, without gaps, and what comes during an append goes in the next (G1)', async () => {
  const passing = gate()
  const appended: number[] = []
  const { log, commits } = await bench({
    append: async (rows) => {
      if (rows[0]?.commit.stream.kind === 'task') {
        appended.push(rows.length)
        await passing.passed
      }
      return { type: 'delivered' }
    },
    read: () => undefined,
  })
  const book = new Book()
  commits.enqueue(book.commit(draft('a')))
  await settled()
  for (const id of ['b', 'c', 'd']) commits.enqueue(book.commit(draft(id)))
  expect(commits.waitingCommits).toBe(3)
  passing.open()
  await commits.idle()
  expect(appended).toEqual([1, 3])
  expect(book.lines).toEqual(['a@1 durable 2', 'b@1 durable 3', 'c@1 durable 4', 'd@1 durable 5'])
  expect(
    log
      .all()
      .filter(({ partition }) => partition === P0)
      .map(({ seq }) => seq),
  ).toEqual([1, 2, 3, 4, 5])
})

test('a batch is bounded by commits', async () => {
  const appended: number[] = []
  const { commits } = await bench(
    {
      append: (rows) => {
        if (rows[0]?.commit.stream.kind === 'task') appended.push(rows.length)
        return { type: 'delivered' }
      },
      read: () => undefined,
    },
    2,
  )
  const book = new Book()
  for (const id of ['a', 'b', 'c', 'd', 'e']) commits.enqueue(book.commit(draft(id)))
  await commits.idle()
  expect(appended).toEqual([2, 2, 1])
  expect(commits.waitingChars).toBe(0)
})

test.each(['never', 'before'] as const)(
  'an append with unknown outcome, written %s, is settled once and written once (G3)',
  async (written) => {
    let unknowns = 0
    const { log, commits, clock, availability } = await bench({
      append: (rows) =>
        rows[0]?.commit.stream.kind === 'task' && unknowns++ === 0 ? { type: 'unknown', written } : { type: 'delivered' },
      read: () => undefined,
    })
    const book = new Book()
    for (const id of ['a', 'b']) commits.enqueue(book.commit(draft(id)))
    commits.enqueue(book.commit(draft('x', P1)))
    await clock.advance(1_000)
    expect(book.lines.toSorted()).toEqual(['a@1 durable 2', 'b@1 durable 3', 'x@1 durable 2'])
    expect(idsOf(log, P0)).toEqual(['a@1', 'b@1'])
    expect(availability).toEqual([false, true])
  },
)

test('an append that happens late, after its rows were offered again, is not written twice (G3)', async () => {
  const late = gate()
  let appends = 0
  const { log, commits, clock } = await bench({
    append: (rows) => {
      if (rows[0]?.commit.stream.kind !== 'task' || appends++ > 0) return { type: 'delivered' }
      return { type: 'unknown', written: 'later', later: late.passed }
    },
    read: () => {
      // It lands between the read of the tail, which does not show it, and the second offer.
      if (appends === 1) late.open()
    },
  })
  const book = new Book()
  commits.enqueue(book.commit(draft('a')))
  commits.enqueue(book.commit(draft('b')))
  await clock.advance(1_000)
  expect(book.lines).toEqual(['a@1 durable 2', 'b@1 durable 3'])
  expect(idsOf(log, P0)).toEqual(['a@1', 'b@1'])
})

test('another owner’s control commit takes the partition: its commits are lost, none is written, the other partition goes on (G4)', async () => {
  const { log, commits, partitionsLost } = await bench()
  await log.acquire(P0, 'b', NOW)
  const book = new Book()
  for (const id of ['a', 'b', 'c']) commits.enqueue(book.commit(draft(id)))
  commits.enqueue(book.commit(draft('x', P1)))
  await commits.idle()
  expect(partitionsLost).toEqual([P0])
  expect(idsOf(log, P0)).toEqual([])
  expect(book.lines.toSorted()).toEqual(['a@1 fenced', 'b@1 fenced', 'c@1 fenced', 'x@1 durable 2'])
  commits.enqueue(book.commit(draft('later')))
  await commits.idle()
  expect(book.lines.at(-1)).toBe('later@1 fenced')
})

test('poison in the middle of a hundred is found by halving; the others get the places without a gap (G5)', async () => {
  const { log, commits } = await bench({
    append: (rows) =>
      rows.some(({ commit }) => commit.text.includes('poison')) ? { type: 'refused', message: 'poison' } : { type: 'delivered' },
    read: () => undefined,
  })
  const book = new Book()
  for (let n = 0; n < 100; n++) commits.enqueue(book.commit(draft(`t${n}`, P0, 1, n === 50 ? '["poison"]' : '[{}]')))
  await commits.idle()
  expect(book.lines.filter((line) => line.endsWith('refused'))).toEqual(['t50@1 refused'])
  expect(idsOf(log, P0)).toEqual(Array.from({ length: 100 }, (_, n) => `t${n}@1`).filter((id) => id !== 't50@1'))
  expect([...book.settled.values()].every((times) => times.length === 1)).toBe(true)
})

test('what waits for a stream that lost a commit is lost with it, in the batch and behind it (G5)', async () => {
  const passing = gate()
  const { log, commits } = await bench({
    append: async (rows) => {
      if (rows[0]?.commit.stream.kind === 'task') await passing.passed
      return rows.some(({ commit }) => commit.text.includes('poison'))
        ? { type: 'refused', message: 'poison' }
        : { type: 'delivered' }
    },
    read: () => undefined,
  })
  const book = new Book()
  commits.enqueue(book.commit(draft('a', P0, 1, '["poison"]')))
  commits.enqueue(book.commit(draft('a', P0, 2)))
  commits.enqueue(book.commit(draft('b')))
  await settled()
  commits.enqueue(book.commit(draft('a', P0, 3)))
  commits.enqueue(book.commit(draft('c')))
  passing.open()
  await commits.idle()
  expect(book.lines.toSorted()).toEqual([
    'a@1 refused',
    'a@2 predecessor_lost',
    'a@3 predecessor_lost',
    'b@1 durable 2',
    'c@1 durable 3',
  ])
  expect(idsOf(log, P0)).toEqual(['b@1', 'c@1'])
})

test('what is enqueued on hearing of a loss is no successor of what was lost', async () => {
  const { log, commits } = await bench({
    append: (rows) =>
      rows.some(({ commit }) => commit.text.includes('poison')) ? { type: 'refused', message: 'poison' } : { type: 'delivered' },
    read: () => undefined,
  })
  const book = new Book()
  commits.enqueue(book.commit(draft('a', P0, 1, '["poison"]'), () => commits.enqueue(book.commit(draft('a', P0, 1)))))
  await commits.idle()
  expect(book.lines).toEqual(['a@1 refused', 'a@1 durable 2'])
  expect(idsOf(log, P0)).toEqual(['a@1'])
})

test('a stream that is there already is taken; its other commits are lost with it and the rest is written', async () => {
  const { log, commits } = await bench()
  const book = new Book()
  commits.enqueue(book.commit(draft('a')))
  await commits.idle()
  commits.enqueue(book.commit(draft('b')))
  commits.enqueue(book.commit(draft('a', P0, 1, '["other"]')))
  commits.enqueue(book.commit(draft('a', P0, 2)))
  commits.enqueue(book.commit(draft('c')))
  await commits.idle()
  expect(book.lines.slice(1).toSorted()).toEqual(['a@1 stream_taken', 'a@2 predecessor_lost', 'b@1 durable 3', 'c@1 durable 4'])
  expect(idsOf(log, P0)).toEqual(['a@1', 'b@1', 'c@1'])
})

test('while the log is away commits wait; when it comes back they are written in order', async () => {
  const faults = new Switchboard()
  const { log, commits, clock, availability } = await bench(faults)
  faults.down()
  const book = new Book()
  for (const id of ['a', 'b']) commits.enqueue(book.commit(draft(id)))
  await clock.advance(10_000)
  expect(book.lines).toEqual([])
  expect(commits.available).toBe(false)
  faults.up()
  await clock.advance(1_000)
  expect(book.lines).toEqual(['a@1 durable 2', 'b@1 durable 3'])
  expect(availability).toEqual([false, true])
  expect(idsOf(log, P0)).toEqual(['a@1', 'b@1'])
})

test.each(['unavailable', 'unknown'] as const)('a stop while appends are %s loses what waits, and ends', async (fate) => {
  const faults = new Switchboard()
  const { log, commits, clock } = await bench(faults, 1)
  faults.down()
  if (fate === 'unknown') faults.append = () => ({ type: 'unknown', written: 'never' })
  const book = new Book()
  for (const id of ['a', 'b', 'c']) commits.enqueue(book.commit(draft(id)))
  await clock.advance(1_000)
  let stopped = false
  const stopping = commits.stop().then(() => (stopped = true))
  await clock.advance(1_000)
  expect(stopped).toBe(true)
  await stopping
  expect(book.lines).toEqual(['a@1 stopped', 'b@1 stopped', 'c@1 stopped'])
  expect(idsOf(log, P0)).toEqual([])
})

test('whatever happens to appends and reads, each commit is settled once, and the log holds in order exactly what was called durable (G1-G3)', async () => {
  const fates = fc.array(fc.constantFrom('delivered', 'unavailable', 'never', 'before', 'later', 'poison?'), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(
      fates,
      fc.array(fc.boolean(), { maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      async (plan, failing, batch) => {
        const fate = plan[Symbol.iterator]()
        const reads = failing[Symbol.iterator]()
        const lates: (() => void)[] = []
        let begun = false
        const { log, commits, clock } = await bench(
          {
            append: (rows) => {
              if (rows[0]?.commit.stream.kind !== 'task') return { type: 'delivered' }
              if (rows.some(({ commit }) => commit.text.includes('poison'))) return { type: 'refused', message: 'poison' }
              const next = fate.next().value ?? 'delivered'
              if (next === 'unavailable') return { type: 'unavailable' }
              if (next === 'never' || next === 'before') return { type: 'unknown', written: next }
              if (next !== 'later') return { type: 'delivered' }
              const late = gate()
              lates.push(late.open)
              return { type: 'unknown', written: 'later', later: late.passed }
            },
            read: () => {
              lates.shift()?.()
              return begun && reads.next().value === true ? Promise.reject(new Error('no')) : undefined
            },
          },
          batch,
        )
        begun = true
        const book = new Book()
        for (let n = 0; n < 12; n++) {
          commits.enqueue(book.commit(draft(`t${n}`, n % 3 === 0 ? P1 : P0, 1, n === 7 ? '["poison"]' : '[{}]')))
          if (n % 4 === 3) await clock.advance(5)
        }
        await clock.advance(60_000)
        expect([...book.settled.values()].map((times) => times.length)).toEqual(Array.from({ length: 12 }, () => 1))
        for (const partition of [P0, P1]) {
          const durable = [...book.settled].flatMap(([key, [how]]) => (how?.type === 'durable' ? [{ key, seq: how.seq }] : []))
          const inLog = log.all().filter((commit) => commit.partition === partition && commit.stream.kind === 'task')
          expect(
            inLog.every(({ seq, stream }) => durable.some(({ key, seq: told }) => key === `${stream.id}@1` && told === seq)),
          ).toBe(true)
          expect(inLog.map(({ stream }) => Number(stream.id.slice(1)))).toEqual(
            Array.from({ length: 12 }, (_, n) => n).filter((n) => n !== 7 && (n % 3 === 0) === (partition === P1)),
          )
        }
      },
    ),
    { numRuns: 100 },
  )
})

test('G2: a log that does not answer counts as away after a while, though nothing is settled before its answer', async () => {
  const passing = gate()
  const faults = new Switchboard()
  const { log, commits, clock, availability } = await bench(faults)
  faults.append = async () => {
    await passing.passed
    return { type: 'delivered' }
  }
  const book = new Book()
  commits.enqueue(book.commit(draft('a')))
  await clock.advance(APPEND_SILENT_MS_MAX - 1)
  expect(commits.available).toBe(true)
  await clock.advance(1)
  expect(commits.available).toBe(false)
  expect(book.lines).toEqual([])
  passing.open()
  await clock.advance(0)
  expect(book.lines).toEqual(['a@1 durable 2'])
  expect(availability).toEqual([false, true])
  expect(idsOf(log, P0)).toEqual(['a@1'])
  expect(clock.alarms).toBe(0)
})
