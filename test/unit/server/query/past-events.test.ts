/** Histories read page by page: for replays, and for comparisons. */
import { type LiveTask, type RecordedTaskEvent, taskIdFrom } from '@tasker/core'
import type { TaskSnapshot } from '@tasker/server/internal/engine/api'
import { comparisonText, compareTasks } from '@tasker/server/internal/query/comparison'
import { pastEvents } from '@tasker/server/internal/query/past-events'
import { readReplay } from '@tasker/server/internal/query/replay'
import { expect, test } from 'vitest'
import { at, complete, type Order, plan, start, step, submit, taskAfter } from '../../../support/given.js'
import { recordedOf } from '../../core/history/told.js'

const line = plan(step('a'), step('b', { after: ['a'] }))
const taskId = taskIdFrom(at(0), new Uint8Array(10))
const done = (name: string, output: string): readonly Order[] => [start(name), complete(name, output)]

/** An engine that gives at most two events a read, whatever is asked for. */
const told = (...orders: readonly Order[]) => {
  const events = recordedOf(line, ...orders)
  const state: LiveTask = taskAfter(line, ...orders)
  const snapshot: TaskSnapshot = { taskId, version: events.length, state }
  const history = (_: unknown, afterVersion: number): Promise<readonly RecordedTaskEvent[]> =>
    Promise.resolve(events.slice(afterVersion, afterVersion + 2))
  return { engine: { history }, snapshot, events }
}

const all = [submit(), ...done('a', '1'), ...done('b', '2')]

test('events come in order, no further than the version that was read, over pages of any size', async () => {
  const { engine, snapshot, events } = told(...all)
  const versions: number[] = []
  for await (const { version } of pastEvents(engine, { ...snapshot, version: events.length - 1 })) versions.push(version)
  expect(versions).toEqual(events.slice(0, -1).map(({ version }) => version))
})

test('a replay goes on behind any version, and says where the next page begins', async () => {
  const { engine, snapshot, events } = told(...all)
  const first = await readReplay(engine, snapshot, { afterVersion: 0, limit: 3 })
  expect([first.frames.length, first.nextAfterVersion]).toEqual([3, 3])
  const rest = await readReplay(engine, snapshot, { afterVersion: 3, limit: 500 })
  expect(rest.nextAfterVersion).toBeUndefined()
  const seen = [...first.frames, ...rest.frames].map(({ version }) => version)
  expect(seen).toEqual(events.map(({ version }) => version))
})

test('a comparison names what differs, the same way at every door', async () => {
  const [one, other] = [told(...all), told(submit(), ...done('a', '1'), ...done('b', '3'))]
  const history = (...[, afterVersion]: Parameters<typeof one.engine.history>) => one.engine.history(undefined, afterVersion)
  const same = await compareTasks({ history }, one.snapshot, one.snapshot)
  expect(same.same).toBe(true)
  let reads = 0
  const inTurn = (_: unknown, afterVersion: number) => {
    if (afterVersion === 0) reads++
    return (reads === 1 ? one : other).engine.history(undefined, afterVersion)
  }
  const diff = await compareTasks({ history: inTurn }, one.snapshot, other.snapshot)
  expect(JSON.parse(comparisonText(one.snapshot, other.snapshot, diff))).toMatchObject({
    same: false,
    first_divergence: { step_id: 'b', a: { type: 'step.completed' }, b: { type: 'step.completed' } },
    steps: [
      { step_id: 'a', differs: false },
      {
        step_id: 'b',
        differs: true,
        output: [{ path: '', before: { text: '2' }, after: { text: '3' } }],
        same_input_other_output: true,
      },
    ],
    cut: false,
  })
})
