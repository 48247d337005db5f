/** What every adapter of the event log promises: the numbers are the port's (L1 to L5). */
import { instant, partitionNumber } from '@tasker/core'
import { LOG_ID, NO_PREVIOUS_SEAL, signSeal } from '@tasker/server/internal/audit/seal'
import { sealDraft } from '@tasker/server/internal/audit/seal-commit'
import { verifyChain } from '@tasker/server/internal/log/commit-hash'
import type { CommitDraft, EventLog } from '@tasker/server/internal/log/port'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fixedSealKey } from '../../support/sealed.js'
import { allOf, draft, P0, P1, rowsFrom, task } from './drafts.js'
import { type LogHarness, PAGE_COMMITS, PARTITIONS } from './harness.js'
import { describeRaces } from './races.js'

const NOW = instant(1_700_000_000_000)

/** Seals on a partition, one behind the other. */
const sealed = (before: CommitDraft, count: number): readonly CommitDraft[] => {
  const drafts: CommitDraft[] = []
  for (let n = 1; n <= count; n++) {
    const content = {
      log: 'a-log',
      partition: 0,
      epoch: 1,
      from_seq: n,
      to_seq: n,
      root: '0'.repeat(64),
      previous: NO_PREVIOUS_SEAL,
      at: NOW,
    }
    drafts.push(sealDraft(signSeal(content, fixedSealKey()), drafts.at(-1) ?? before))
  }
  return drafts
}

const every = async <Item>(pages: AsyncIterable<readonly Item[]>): Promise<readonly Item[]> => {
  const all: Item[] = []
  for await (const page of pages) all.push(...page)
  return all
}

/** Payloads that break careless storage. */
const NASTY_TEXTS = [
  '[{"step":"\\u0000","attempt":1}]',
  '[{"step":"\\ud800 alone","attempt":1e2,"__proto__":{"constructor":1}}]',
  '[ { "step" : "emoji 🦀, zero width \u200b, rtl \u202e", "attempt":1 , "attempt":2 } ]\n',
  '[{"step":"controls \u0001\u0007\u001b\u007f","big":123456789012345678901234567890.10}]',
  `[{"step":"${'long '.repeat(20_000)}"}]`,
]

export const describeEventLog = (name: string, open: () => Promise<LogHarness>): void => {
  describe(`the event log in ${name}`, () => {
    let harness: LogHarness
    let log: EventLog
    beforeEach(async () => {
      harness = await open()
      log = harness.log
    })
    afterEach(() => harness.close())

    test('gives back what was appended, in order, under its places (L1, L2)', async () => {
      const first = draft({ worker: 'w-1' })
      const second = draft({ firstVersion: 2, previous: first.hash })
      expect(await log.append(rowsFrom(1, first, second))).toEqual({ type: 'appended' })
      expect(await allOf(log.readPartition(P0, 0))).toEqual([
        { ...first, seq: 1 },
        { ...second, seq: 2 },
      ])
      expect(await log.head(P0)).toEqual({ seq: 2, epoch: 0 })
      expect(await log.head(P1)).toEqual({ seq: 0, epoch: 0 })
    })

    test('keeps payloads byte for byte', async () => {
      const commits = NASTY_TEXTS.map((text, index) => draft({ stream: task(`nasty, (${index})=`), text }))
      expect(await log.append(rowsFrom(1, ...commits))).toEqual({ type: 'appended' })
      const stored = await allOf(log.readPartition(P0, 0))
      expect(stored.map((commit) => commit.text)).toEqual(NASTY_TEXTS)
      expect(stored.map((commit) => verifyChain([commit]).type)).toEqual(NASTY_TEXTS.map(() => 'intact'))
    })

    test('refuses content that it could not give back, and writes nothing of the batch (L1)', async () => {
      for (const bad of ['[{"step":"a raw \u0000"}]', '[{"step":"half \ud83d"}]']) {
        const result = await log.append(rowsFrom(1, draft(), draft({ stream: task('b'), text: bad })))
        expect(result.type).toBe('refused')
      }
      expect(await log.head(P0)).toEqual({ seq: 0, epoch: 0 })
    })

    test('a place is given once; who collides writes nothing and hears which (L1, L2)', async () => {
      await log.append(rowsFrom(1, draft()))
      const batch = [...rowsFrom(1, draft({ stream: task('x'), partition: P1 })), ...rowsFrom(1, draft({ stream: task('b') }))]
      expect(await log.append(batch)).toEqual({ type: 'collided', on: { type: 'place', partition: P0 } })
      expect(await log.head(P1)).toEqual({ seq: 0, epoch: 0 })
    })

    test.each(['task', 'template', 'key', 'partition'] as const)(
      'a version of a stream of kind %s is given once, in whatever partition (L3)',
      async (kind) => {
        const stream = { kind, id: 'shop, (odd)=(name)' }
        await log.append(rowsFrom(1, draft({ stream })))
        expect(await log.append(rowsFrom(1, draft({ stream, partition: P1 })))).toEqual({
          type: 'collided',
          on: { type: 'stream', stream },
        })
      },
    )

    test('an append of nothing succeeds', async () => {
      expect(await log.append([])).toEqual({ type: 'appended' })
    })

    test('reads a partition page by page, from any place on', async () => {
      const commits = Array.from({ length: 2 * PAGE_COMMITS + 1 }, (_, index) => draft({ stream: task(`t${index}`) }))
      await log.append(rowsFrom(1, ...commits))
      for (let after = 0; after <= commits.length; after++) {
        const pages: number[] = []
        const seqs: number[] = []
        for await (const page of log.readPartition(P0, after)) {
          pages.push(page.length)
          seqs.push(...page.map((commit) => commit.seq))
        }
        expect(seqs).toEqual(commits.map((_, index) => index + 1).slice(after))
        expect(Math.max(0, ...pages)).toBeLessThanOrEqual(PAGE_COMMITS)
      }
    })

    test('reads a stream from the commit that contains a version', async () => {
      const first = draft({ types: ['a', 'b', 'c'] })
      const second = draft({ firstVersion: 4, previous: first.hash, types: ['d', 'e'] })
      const third = draft({ firstVersion: 6, previous: second.hash })
      await log.append(rowsFrom(1, first, draft({ stream: task('z') }), second, third))
      const from = async (version: number) => (await allOf(log.readStream(task('a'), version))).map((c) => c.firstVersion)
      expect(await from(1)).toEqual([1, 4, 6])
      expect(await from(3)).toEqual([1, 4, 6])
      expect(await from(5)).toEqual([4, 6])
      expect(await from(6)).toEqual([6])
      expect(await from(7)).toEqual([])
      expect(await allOf(log.readStream(task('nobody'), 1))).toEqual([])
    })

    test('reads the beginnings of many streams at once: whole where they are short, said where they are not, left out where there is none', async () => {
      const short = draft({ stream: task('short'), types: ['a', 'b'] })
      const other = draft({ stream: task('short'), firstVersion: 3, previous: short.hash })
      const long = Array.from({ length: 60 }, (_, n) => draft({ stream: task('long'), firstVersion: n + 1 }))
      await log.append(rowsFrom(1, short, ...long, draft({ stream: { kind: 'template', id: 'short' } }), other))
      const starts = await log.readStarts('task', ['long', 'nobody', 'short'])
      expect([...starts.keys()].toSorted()).toEqual(['long', 'short'])
      expect(starts.get('short')).toEqual({ commits: await allOf(log.readStream(task('short'), 1)), whole: true })
      const { commits, whole } = starts.get('long') ?? { commits: [], whole: true }
      expect(whole).toBe(false)
      expect(commits.map(({ firstVersion }) => firstVersion)).toEqual(commits.map((_, n) => n + 1))
      expect(await log.readStarts('task', [])).toEqual(new Map())
    })

    test('reads the commits of a partition that record a domain event, page by page, behind a place', async () => {
      const telling = (id: string) =>
        draft({ stream: task(id), types: ['step.completed', 'domain_event.recorded'], text: '[{},{}]' })
      const other = draft({ stream: task('other'), partition: P1, types: ['domain_event.recorded'], text: '[{}]' })
      const silent = (id: string) => draft({ stream: task(id) })
      await log.append(rowsFrom(1, ...['a', 'b', 'c', 'd', 'e'].flatMap((id) => [telling(id), silent(`silent ${id}`)])))
      await log.append(rowsFrom(1, other))
      const from = async (seq: number) => (await allOf(log.readDomainEvents(P0, seq))).map((commit) => commit.seq)
      expect(await from(0)).toEqual([1, 3, 5, 7, 9])
      expect(await from(3)).toEqual([5, 7, 9])
      expect(await from(9)).toEqual([])
      expect(await allOf(log.readDomainEvents(P1, 0))).toHaveLength(1)
    })

    test('reads every stream of a kind, stream by stream', async () => {
      const template = (id: string, firstVersion: number) => draft({ stream: { kind: 'template', id }, firstVersion })
      await log.append(
        rowsFrom(1, template('b', 1), draft(), template('a', 1), template('b', 2), template('B', 1), template('a', 2)),
      )
      const read = await allOf(log.readKind('template'))
      expect(read.map((commit) => `${commit.stream.id}${commit.firstVersion}`)).toEqual(['B1', 'a1', 'a2', 'b1', 'b2'])
      const between = await allOf(log.readKind('template', { after: 'B', upTo: 'a' }))
      expect(between.map((commit) => `${commit.stream.id}${commit.firstVersion}`)).toEqual(['a1', 'a2'])
      const behind = await allOf(log.readKind('template', { after: 'a' }))
      expect(behind.map((commit) => `${commit.stream.id}${commit.firstVersion}`)).toEqual(['b1', 'b2'])
    })

    test('taking a partition is an append that raises the epoch and is linked to the last one (L4)', async () => {
      await log.append(rowsFrom(1, draft()))
      expect(await log.acquire(P0, 'node-1', NOW)).toMatchObject({ partition: P0, epoch: 1, seq: 2 })
      expect(await log.acquire(P0, 'node-2', NOW)).toMatchObject({ partition: P0, epoch: 2, seq: 3 })
      expect(await log.head(P0)).toEqual({ seq: 3, epoch: 2 })
      expect(verifyChain(await allOf(log.readStream({ kind: 'partition', id: '0' }, 1)))).toMatchObject({
        type: 'intact',
        commits: 2,
      })
    })

    test('an owner that was overtaken collides with the control commit (L4)', async () => {
      const owned = await log.acquire(P0, 'node-1', NOW)
      await (await harness.other()).acquire(P0, 'node-2', NOW)
      expect(await log.append(rowsFrom(owned.seq + 1, draft()))).toEqual({
        type: 'collided',
        on: { type: 'place', partition: P0 },
      })
    })

    test('nodes that take a partition at once all get it, one after another (L4)', async () => {
      const logs = [log, await harness.other(), await harness.other()]
      const owned = await Promise.all([...logs, ...logs].map((each, index) => each.acquire(P0, `node-${index}`, NOW)))
      expect(owned.map((ownership) => ownership.epoch).sort()).toEqual([1, 2, 3, 4, 5, 6])
      expect(await log.head(P0)).toEqual({ seq: 6, epoch: 6 })
    })

    test.each(['never', 'before'] as const)('an append whose answer is lost is unknown; written: %s (L5)', async (written) => {
      await log.append(rowsFrom(1, draft({ stream: task('warm') })))
      harness.loseNextAnswer(written)
      expect((await log.append(rowsFrom(2, draft()))).type).toBe('unknown')
      expect((await log.head(P0)).seq).toBe(written === 'before' ? 2 : 1)
    })

    test.each(['never', 'before'] as const)(
      'a partition is taken once although the answer is lost; written: %s (L5)',
      async (written) => {
        await log.append(rowsFrom(1, draft({ stream: task('warm') })))
        harness.loseNextAnswer(written)
        expect(await log.acquire(P0, 'node-1', NOW)).toMatchObject({ partition: P0, epoch: 1, seq: 2 })
      },
    )

    test('partitions are independent', async () => {
      for (let n = 0; n < PARTITIONS; n++) {
        const partition = partitionNumber(n)
        expect(await log.append(rowsFrom(1, draft({ stream: task(`p${n}`), partition })))).toEqual({ type: 'appended' })
      }
      expect(log.partitionCount).toBe(PARTITIONS)
    })

    test('is read for audits: places and hashes, each commit with the one before it, the stream of the partition, the last seal', async () => {
      const { control } = await log.acquire(P0, 'node-1', NOW)
      const first = draft()
      const second = draft({ firstVersion: 2, previous: first.hash, types: ['step.started', 'step.completed'], text: '[{},{}]' })
      const third = draft({ firstVersion: 4, previous: second.hash })
      const seals = sealed(control, 2)
      await log.append(rowsFrom(2, first, ...seals.slice(0, 1), draft({ stream: task('b') }), second, ...seals.slice(1), third))
      const { audit } = log
      expect(await audit.tip(P0)).toBe(7)
      expect(await audit.tip(P1)).toBe(0)
      expect(audit.partitionCount).toBe(PARTITIONS)
      expect(audit.logId).toMatch(LOG_ID)
      const hashes = await every(audit.hashes(P0, 2))
      expect(hashes.map(({ seq, isSeal }) => [seq, isSeal])).toEqual([
        [3, true],
        [4, false],
        [5, false],
        [6, true],
        [7, false],
      ])
      expect(hashes[2]?.hash).toEqual(second.hash)
      const linked = await every(audit.linked(P0, 4))
      expect(linked.map(({ seq, typeCount, previous }) => [seq, typeCount, previous?.seq, previous?.nextVersion])).toEqual([
        [5, 2, 2, 2],
        [6, 1, 3, 3],
        [7, 1, 5, 4],
      ])
      expect(linked[0]?.previous).toEqual({ partition: P0, seq: 2, nextVersion: 2, hash: first.hash })
      expect(linked[0]?.commit).toEqual({ ...second, seq: 5 })
      expect((await every(audit.linked(P0, 0)))[0]?.previous).toBeUndefined()
      expect((await every(audit.control(P0, 1))).map(({ seq }) => seq)).toEqual([3, 6])
      expect((await every(audit.control(P0, 0))).map(({ seq }) => seq)).toEqual([1, 3, 6])
      expect((await audit.lastSeal(P0))?.seq).toBe(6)
      expect((await audit.lastSeal(P0, 6))?.seq).toBe(3)
      expect(await audit.lastSeal(P0, 3)).toBeUndefined()
    })

    test('a partition is taken again behind its seals, one epoch higher (L4)', async () => {
      const { control } = await log.acquire(P0, 'node-1', NOW)
      await log.append(rowsFrom(2, ...sealed(control, 1)))
      expect(await log.head(P0)).toEqual({ seq: 2, epoch: 1 })
      expect(await log.acquire(P0, 'node-2', NOW)).toMatchObject({ epoch: 2, seq: 3 })
      expect(verifyChain(await allOf(log.readStream({ kind: 'partition', id: '0' }, 1)))).toMatchObject({
        type: 'intact',
        commits: 3,
      })
    })

    describeRaces(() => harness)
  })
}
