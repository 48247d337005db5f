import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { EventBus } from '@tasker/server/internal/publishers/bus'
import { DomainFeed } from '@tasker/server/internal/publishers/feed'
import type { DomainMessage } from '@tasker/server/internal/publishers/message'
import { expect, test } from 'vitest'
import { draft, P0, P1, rowsFrom, task } from '../../../integration/log/drafts.js'
import { message } from '../../../integration/publishers/contract.js'

const EVENT = '{"name":"a","step":"s","attempt":1,"outcome":"success","delivery":"durable","correlationId":"c","template":"t@1"}'
const types = ['step.completed', 'domain_event.recorded']

const telling = (id: string) => draft({ stream: task(id), types, text: `[{"step":"s","attempt":1,"output":"${id}"},${EVENT}]` })
const silent = (id: string) => draft({ stream: task(id) })
const broken = (id: string) => draft({ stream: task(id), types, text: '[]' })

const payloads = (messages: readonly DomainMessage[] = []): readonly string[] => messages.map(({ payload }) => payload)

test('the events of a partition are read from a place on, whatever stands between them', async () => {
  const log = memoryLog({ partitionCount: 2 })
  await log.append(rowsFrom(1, telling('a'), silent('b'), broken('c'), telling('d'), silent('e')))
  const feed = new DomainFeed(log, new EventBus(() => undefined))
  expect(feed.partitions).toBe(2)
  const page = await feed.read(P0, 0)
  expect([page?.seq, payloads(page?.messages)]).toEqual([4, ['"a"', '"d"']])
  expect(payloads((await feed.read(P0, 1))?.messages)).toEqual(['"d"'])
  expect(await feed.read(P0, 4)).toBeUndefined()
  expect(await feed.read(P1, 0)).toBeUndefined()
  expect([await feed.end(P0), await feed.end(P1)]).toEqual([5, 0])
})

test('news names the partition, and comes to nobody who has stopped listening', () => {
  const feed = new DomainFeed(memoryLog({ partitionCount: 2 }), new EventBus(() => undefined))
  const heard: number[] = []
  const stop = feed.onNews((partition) => heard.push(partition))
  feed.committed(P1, [])
  feed.committed(undefined, [message(1)])
  stop()
  feed.committed(P0, [])
  expect(heard).toEqual([1])
})

test('each live event is told to each listener once, and counted where one cannot take it', () => {
  let dropped = 0
  const bus = new EventBus((count) => (dropped += count))
  const feed = new DomainFeed(memoryLog({ partitionCount: 1 }), bus)
  const heard: string[] = []
  const stop = feed.listen(({ eventId }) => heard.push(eventId) > 0)
  feed.listen(() => false)
  feed.committed(undefined, [message(1), message(2)])
  stop()
  feed.committed(undefined, [message(3)])
  expect(heard).toEqual(['T1:1', 'T2:1'])
  expect(dropped).toBe(3)
})
