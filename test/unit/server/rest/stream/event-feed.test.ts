/** A feed gives every event once and in order, at its reader's pace. */
import { instant, parseTaskId, stepId, versionNumber, type RecordedTaskEvent, type TaskId } from '@tasker/core'
import type { TaskEventListener } from '@tasker/server/internal/engine/api'
import { REST_LIMITS } from '@tasker/server/internal/rest/limits'
import { openEventFeed } from '@tasker/server/internal/rest/stream/event-feed'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { gate } from '../../../../support/engine.js'

const taskId: TaskId = parseTaskId('01HZZZZZZZZZZZZZZZZZZZZZZZ') ?? noTask()

function noTask(): never {
  throw new Error('the id above is a ULID')
}

const eventAt = (version: number): RecordedTaskEvent => ({
  version: versionNumber(version),
  at: instant(version),
  event: { type: 'step.scheduled', step: stepId('a'), attempt: version },
  cause: { actor: 'tests', command: 'none' },
})

/** A task whose history grows when told to; `pages` counts reads of the history. */
const growingTask = () => {
  const events: RecordedTaskEvent[] = []
  const listeners = new Set<TaskEventListener>()
  const counted = { pages: 0 }
  return {
    counted,
    listeners,
    grow: (count: number): void => {
      const fresh = Array.from({ length: count }, (_, index) => eventAt(events.length + index + 1))
      events.push(...fresh)
      for (const listener of listeners) listener.onEvents(fresh)
    },
    engine: {
      follow: async (_: TaskId, after: number, listener: TaskEventListener) => {
        listeners.add(listener)
        if (events.length > after) listener.onEvents(events.slice(after))
        return () => listeners.delete(listener)
      },
      history: async (_: TaskId, after: number, limit: number) => {
        counted.pages++
        return events.slice(after, after + limit)
      },
    },
  }
}

test('every event above the start comes once and in order, however the task grows and the reader reads', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 700 }),
      fc.integer({ min: 0, max: 900 }),
      fc.array(fc.oneof(fc.integer({ min: 1, max: 400 }), fc.constant('read' as const)), { maxLength: 12 }),
      async (start, there, script) => {
        const task = growingTask()
        task.grow(there)
        const feed = await openEventFeed(task.engine, taskId, Math.min(start, there))
        const seen: number[] = []
        const read = async (): Promise<number> => {
          const events = await feed.next(0)
          seen.push(...events.map(({ version }) => version))
          return events.length
        }
        let total = there
        for (const act of script) {
          if (act === 'read') await read()
          else {
            task.grow(act)
            total += act
          }
        }
        while ((await read()) > 0) continue
        const first = Math.min(start, there) + 1
        expect(seen).toEqual(Array.from({ length: Math.max(0, total - first + 1) }, (_, index) => first + index))
      },
    ),
    { numRuns: 60 },
  ))

test('a reader that keeps up never costs a read of the history', async () => {
  const task = growingTask()
  const feed = await openEventFeed(task.engine, taskId, 0)
  for (let round = 0; round < 10; round++) {
    task.grow(REST_LIMITS.streamEventsMax)
    expect(await feed.next(0)).toHaveLength(REST_LIMITS.streamEventsMax)
  }
  expect(task.counted.pages).toBe(0)
})

test('a reader that waits is woken by the next event, and by the end of the feed', async () => {
  const task = growingTask()
  const feed = await openEventFeed(task.engine, taskId, 0)
  const next = feed.next(60_000)
  task.grow(1)
  expect(await next).toHaveLength(1)
  const last = feed.next(60_000)
  feed.close()
  expect(await last).toEqual([])
  expect(task.listeners.size).toBe(0)
})

test('an event that comes while the history is read, when all of that was told already, is told next', async () => {
  const task = growingTask()
  const slow = gate()
  const feed = await openEventFeed(
    {
      ...task.engine,
      history: async (...asked: Parameters<typeof task.engine.history>) => {
        const events = await task.engine.history(...asked)
        await slow.passed
        return events
      },
    },
    taskId,
    0,
  )
  task.grow(REST_LIMITS.streamEventsMax + 1)
  expect(await feed.next(0)).toHaveLength(REST_LIMITS.streamEventsMax)
  slow.open()
  expect(await feed.next(0)).toHaveLength(1)
  const empty = feed.next(0)
  task.grow(1)
  expect(await empty).toEqual([])
  expect(await feed.next(0)).toHaveLength(1)
})

test('a long history is told at the pace of its reader: none of it is read ahead, nor twice', async () => {
  const task = growingTask()
  const asked: number[] = []
  const LENGTH = 3_000
  task.grow(LENGTH)
  const feed = await openEventFeed(
    {
      follow: async (_, after, listener) => {
        task.listeners.add(listener)
        for (let at = after; at < LENGTH && listener.full?.() !== true; at += 500) {
          asked.push(at)
          listener.onEvents(await task.engine.history(taskId, at, 500))
        }
        return () => task.listeners.delete(listener)
      },
      history: (...call: Parameters<typeof task.engine.history>) => {
        asked.push(call[1])
        return task.engine.history(...call)
      },
    },
    taskId,
    0,
  )
  expect(asked).toEqual([0])
  const seen: number[] = []
  for (let events = await feed.next(0); events.length > 0; events = await feed.next(0))
    seen.push(...events.map(({ version }) => version))
  expect(seen).toEqual(Array.from({ length: LENGTH }, (_, index) => index + 1))
  expect(asked.length).toBeLessThanOrEqual(2 + LENGTH / 500)
  task.grow(1)
  expect(await feed.next(0)).toHaveLength(1)
})
