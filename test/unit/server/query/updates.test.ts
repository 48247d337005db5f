/** Whoever sends an update hears its answer once it is in the log, waits no longer than it wants, and sends nothing that is answered. */
import { JSON_NULL, trustedJson, type TaskId, type UpdateOutcome } from '@tasker/core'
import type { TaskEventListener } from '@tasker/server/internal/engine/api'
import { sendUpdate } from '@tasker/server/internal/query/updates'
import { expect, test } from 'vitest'

const TASK = '01ARZ3NDEKTSV4RRFFQ69G5FAV' as TaskId
const UPDATE = { taskId: TASK, id: 'u1', name: 'add', payload: JSON_NULL, actor: 'anonymous' }
const ANSWER: UpdateOutcome = { type: 'succeeded', result: trustedJson('1') }

/** A task with one function, of which only the updates matter. */
class OneTask {
  readonly updates = new Map<string, { readonly name: string; readonly outcome: UpdateOutcome | undefined }>()
  phase = 'running'
  orders = 0
  listeners = new Set<TaskEventListener>()

  /** Only what is asked for here. */
  readonly engine: Parameters<typeof sendUpdate>[0] = {
    read: async () => ({ taskId: TASK, version: 1, state: { phase: this.phase, journal: { updates: this.updates } } }),
    order: async () => {
      this.orders++
      this.updates.set(UPDATE.id, { name: UPDATE.name, outcome: undefined })
      return { type: 'done', taskId: TASK, token: 't' }
    },
    follow: async (_task: TaskId, _version: number, listener: TaskEventListener) => {
      this.listeners.add(listener)
      return () => this.listeners.delete(listener)
    },
  } as never

  happens(event: { readonly type: string; readonly id?: string }): void {
    for (const { onEvents } of this.listeners) onEvents([{ event } as never])
  }

  async followed(): Promise<void> {
    while (this.listeners.size === 0) await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

const patient = { waitMs: 60_000, ends: [] }

test('an answer that comes while it is waited for is told, and nobody listens any more', async () => {
  const task = new OneTask()
  const asked = sendUpdate(task.engine, UPDATE, patient)
  await task.followed()
  task.happens({ type: 'update.answered', id: 'another' })
  task.updates.set('u1', { name: 'add', outcome: ANSWER })
  task.happens({ type: 'update.answered', id: 'u1' })
  expect(await asked).toEqual({ type: 'taken', token: 't', outcome: ANSWER })
  expect(task.listeners.size).toBe(0)
})

test('what is answered is not sent again, also when the task is over', async () => {
  const task = new OneTask()
  task.updates.set('u1', { name: 'add', outcome: ANSWER })
  task.phase = 'completed'
  expect(await sendUpdate(task.engine, UPDATE, patient)).toEqual({ type: 'taken', token: '', outcome: ANSWER })
  expect(task.orders).toBe(0)
})

test('a task that ends has answered what is open', async () => {
  const task = new OneTask()
  const asked = sendUpdate(task.engine, UPDATE, patient)
  await task.followed()
  task.phase = 'completed'
  task.happens({ type: 'task.completed' })
  expect(await asked).toMatchObject({ outcome: { type: 'failed', failure: { code: 'UPDATE_NOT_ANSWERED' } } })
})

test('nobody waits longer than wanted', async () => {
  const task = new OneTask()
  expect(await sendUpdate(task.engine, UPDATE, { waitMs: 0, ends: [] })).toMatchObject({ outcome: undefined })
  const gone = new AbortController()
  const asked = sendUpdate(task.engine, UPDATE, { waitMs: 60_000, ends: [gone.signal] })
  await task.followed()
  gone.abort()
  expect(await asked).toMatchObject({ type: 'taken', outcome: undefined })
  expect(task.listeners.size).toBe(0)
})
