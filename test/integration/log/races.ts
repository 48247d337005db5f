/** Races of owners and answers, with the real group commit on top of an adapter (G1 to G5). */
import { instant, partitionNumber, type Partition } from '@tasker/core'
import type { Clock } from '@tasker/server/internal/engine/clock'
import { GroupCommit, type Settled } from '@tasker/server/internal/engine/group-commit'
import type { CommitDraft, EventLog } from '@tasker/server/internal/log/port'
import { expect, test } from 'vitest'
import { allOf, draft, P0, P1, task } from './drafts.js'
import { type LogHarness, PARTITIONS } from './harness.js'

const NOW = instant(1_700_000_000_000)

const systemClock: Clock = {
  now: () => instant(Date.now()),
  monotonicMs: () => performance.now(),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs)
    return () => clearTimeout(timer)
  },
}

interface Committer {
  readonly commits: GroupCommit
  readonly lost: Partition[]
  readonly enqueue: (...drafts: readonly CommitDraft[]) => Promise<Settled>[]
}

const committer = async (log: EventLog, node: string, partitions: readonly Partition[] = [P0]): Promise<Committer> => {
  const lost: Partition[] = []
  const settings = { batchCommitsMax: 50, batchCharsMax: 1_000_000 }
  const commits = new GroupCommit(log, systemClock, settings, {
    acknowledged: () => undefined,
    flushed: () => undefined,
    failed: () => undefined,
    partitionLost: (partition) => void lost.push(partition),
    logAvailable: () => undefined,
  })
  for (const partition of partitions) commits.own(await log.acquire(partition, node, NOW))
  const enqueue = (...drafts: readonly CommitDraft[]): Promise<Settled>[] =>
    drafts.map((one) => new Promise((settle) => commits.enqueue({ draft: one, settle })))
  return { commits, lost, enqueue }
}

const streams = async (log: EventLog, partition: Partition): Promise<readonly string[]> =>
  (await allOf(log.readPartition(partition, 0))).filter((c) => c.stream.kind === 'task').map((c) => c.stream.id)

const expectGapless = async (log: EventLog, partition: Partition): Promise<void> => {
  const seqs = (await allOf(log.readPartition(partition, 0))).map((commit) => commit.seq)
  expect(seqs).toEqual(seqs.map((_, index) => index + 1))
}

export const describeRaces = (harness: () => LogHarness): void => {
  test('a stale owner with three queued commits leaves none of them behind, and loses nothing of other partitions', async () => {
    const { log } = harness()
    const stale = await committer(log, 'node-1', [P0, P1])
    const fresh = await committer(await harness().other(), 'node-2', [P0])
    const queued = stale.enqueue(...['a', 'b', 'c'].map((id) => draft({ stream: task(id) })))
    const kept = stale.enqueue(draft({ stream: task('kept'), partition: P1 }))
    expect(await Promise.all(queued)).toMatchObject([{ reason: 'fenced' }, { reason: 'fenced' }, { reason: 'fenced' }])
    expect(await Promise.all(kept)).toMatchObject([{ type: 'durable' }])
    expect(await Promise.all(fresh.enqueue(draft({ stream: task('fresh') })))).toMatchObject([{ type: 'durable' }])
    expect(stale.lost).toEqual([P0])
    expect(await streams(log, P0)).toEqual(['fresh'])
    await expectGapless(log, P0)
  })

  test.each(['never', 'before'] as const)(
    'a commit whose answer is lost is durable once in the end; written: %s',
    async (written) => {
      const { log } = harness()
      const { commits, enqueue } = await committer(log, 'node-1')
      harness().loseNextAnswer(written)
      const ids = ['a', 'b', 'c']
      const settled = await Promise.all(enqueue(...ids.map((id) => draft({ stream: task(id) }))))
      expect(settled).toEqual([2, 3, 4].map((seq) => ({ type: 'durable', seq })))
      expect(await streams(log, P0)).toEqual(ids)
      expect(commits.available).toBe(true)
    },
  )

  test('a poisoned commit in the middle of a hundred is lost alone, and the places stay gapless', async () => {
    const { log } = harness()
    const { enqueue } = await committer(log, 'node-1')
    const drafts = Array.from({ length: 100 }, (_, index) =>
      draft({ stream: task(`t${index}`), ...(index === 50 ? { text: '[{"step":"a raw \u0000"}]' } : {}) }),
    )
    const settled = await Promise.all(enqueue(...drafts))
    expect(settled.flatMap((each, index) => (each.type === 'lost' ? [`${index} ${each.reason}`] : []))).toEqual(['50 refused'])
    expect(await streams(log, P0)).toHaveLength(99)
    await expectGapless(log, P0)
  })

  test('what waits for a poisoned commit of its stream is lost with it', async () => {
    const { log } = harness()
    const { enqueue } = await committer(log, 'node-1')
    const poison = draft({ text: '[{"step":"a raw \u0000"}]' })
    const settled = await Promise.all(
      enqueue(poison, draft({ firstVersion: 2, previous: poison.hash }), draft({ stream: task('b') })),
    )
    expect(settled).toMatchObject([{ reason: 'refused' }, { reason: 'predecessor_lost' }, { type: 'durable' }])
  })

  test('sixteen writers at once on four partitions leave every commit once, in order', async () => {
    const { log } = harness()
    const partitions = Array.from({ length: PARTITIONS }, (_, n) => partitionNumber(n))
    const { enqueue } = await committer(log, 'node-1', partitions)
    const writer = async (index: number): Promise<void> => {
      let previous: CommitDraft | undefined
      for (let firstVersion = 1; firstVersion <= 20; firstVersion++) {
        const next = draft({
          stream: task(`w${index}`),
          partition: partitionNumber(index % PARTITIONS),
          firstVersion,
          ...(previous === undefined ? {} : { previous: previous.hash }),
        })
        const [settled] = await Promise.all(enqueue(next))
        expect(settled?.type).toBe('durable')
        previous = next
      }
    }
    await Promise.all(Array.from({ length: 16 }, (_, index) => writer(index)))
    for (const partition of partitions) {
      await expectGapless(log, partition)
      expect(await streams(log, partition)).toHaveLength(4 * 20)
    }
  })
}
