/** The log in memory keeps the contract; its faults come from its policy. */
import { type AppendFate, type FaultPolicy, memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { expect, test } from 'vitest'
import { describeEventLog } from './contract.js'
import { allOf, draft, P0, rowsFrom, task } from './drafts.js'
import { PAGE_COMMITS, PARTITIONS } from './harness.js'

describeEventLog('memory', () => {
  let next: AppendFate | undefined
  const append = (): AppendFate => {
    const fate: AppendFate = next ?? { type: 'delivered' }
    next = undefined
    return fate
  }
  const log = memoryLog({ partitionCount: PARTITIONS, pageCommits: PAGE_COMMITS, faults: { append, read: () => undefined } })
  return Promise.resolve({
    log,
    other: () => Promise.resolve(log),
    loseNextAnswer: (written) => {
      next = { type: 'unknown', written }
    },
    close: () => log.close(),
  })
})

const troubled = (faults: Partial<FaultPolicy>) =>
  memoryLog({ partitionCount: PARTITIONS, faults: { append: () => ({ type: 'delivered' }), read: () => undefined, ...faults } })

test('a write that was given up for lost may still happen, and then takes its place (L5)', async () => {
  let release = (): void => undefined
  const later = new Promise<void>((resolve) => {
    release = resolve
  })
  const fates: AppendFate[] = [{ type: 'unknown', written: 'later', later }]
  const log = troubled({ append: () => fates.shift() ?? { type: 'delivered' } })
  expect((await log.append(rowsFrom(1, draft({ stream: task('late') })))).type).toBe('unknown')
  expect(log.all()).toEqual([])
  release()
  await later
  expect(await log.append(rowsFrom(1, draft()))).toEqual({ type: 'collided', on: { type: 'place', partition: P0 } })
  expect(log.all().map((commit) => commit.stream.id)).toEqual(['late'])
})

test('a log that is away or refuses on order writes nothing', async () => {
  const fates: AppendFate[] = [{ type: 'unavailable' }, { type: 'refused', message: 'on order' }]
  const log = troubled({ append: () => fates.shift() ?? { type: 'delivered' } })
  expect((await log.append(rowsFrom(1, draft()))).type).toBe('unavailable')
  expect(await log.append(rowsFrom(1, draft()))).toEqual({ type: 'refused', message: 'on order' })
  expect(log.all()).toEqual([])
})

test('a read can be made to fail', async () => {
  const log = troubled({ read: () => Promise.reject(new Error('on order')) })
  await expect(allOf(log.readPartition(P0, 0))).rejects.toThrow('on order')
  await expect(log.head(P0)).rejects.toThrow('on order')
})

test('a gap between places is a bug of the writer, and said so', async () => {
  await expect(troubled({}).append(rowsFrom(2, draft()))).rejects.toThrow(/gap/)
})

test('nothing is written after the end', async () => {
  const log = troubled({})
  await log.close()
  expect((await log.append(rowsFrom(1, draft()))).type).toBe('unavailable')
})
