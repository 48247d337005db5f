/** One task's stream holds what no fold understands; it alone stands still, and says so. */
import { TaskerError } from '@tasker/sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { end, member, rest } from '../../support/live-server.js'
import { poisonStream } from '../../support/poison.js'
import { freshDatabase, type TestDatabase } from '../../support/postgres.js'
import { until, within } from '../../support/until.js'
import {
  auditOf,
  busySlots,
  expectRightResults,
  expectSoundLog,
  type Field,
  field,
  RESULTS_MS_MAX,
  sendParcels,
  untilBusy,
} from './field.js'

let database: TestDatabase
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

/** What REST, health and metrics say of it. */
const expectSaid = async ({ address }: Field, taskId: string, place: string): Promise<void> => {
  for (const path of [`/v1/tasks/${taskId}`, `/v1/tasks/${taskId}/result?wait_seconds=1`, `/v1/tasks/${taskId}/events`]) {
    const answer = await rest(address, path)
    expect(answer).toMatchObject({ status: 503, body: { reason: 'STREAM_QUARANTINED', task_id: taskId, retryable: false } })
    expect(member(answer, 'position')).toContain(place)
    expect(member(answer, 'detail')).toContain('step.teleported')
  }
  expect(await rest(address, `/v1/tasks/${taskId}/cancel`, {})).toMatchObject({
    status: 503,
    body: { reason: 'STREAM_QUARANTINED' },
  })
  expect(await rest(address, '/health')).toMatchObject({ status: 200, body: { status: 'degraded' } })
  expect((await rest(address, '/health/ready')).status).toBe(200)
  expect(await rest(address, '/health/detailed')).toMatchObject({ body: { quarantined: [{ task_id: taskId }] } })
  expect(member(await rest(address, '/metrics'), 'text')).toMatch(/^tasker_quarantined_streams 1$/m)
}

test('a task with an event of unknown type is set aside and says so; the other 199 finish, and so it stays after a restart', async () => {
  const on = await field(database.url)
  const first = await on.server()
  await on.worker(250)
  const sent = await sendParcels(on, 200, { holdMs: 600 })
  await untilBusy(on, 150)
  await end(first, 'SIGKILL')
  const asKilled = await auditOf(on)
  // One with an attempt out, whose worker will come back with a result.
  const poisoned = sent.find(({ handle }) => {
    const types = asKilled.tasks.get(handle.taskId)?.events.map(({ event }) => event.type)
    return types?.at(-1) === 'step.started'
  })
  const taskId = poisoned?.handle.taskId ?? ''
  const others = sent.filter((one) => one !== poisoned)
  expect(others).toHaveLength(199)
  const place = await poisonStream(database.url, taskId)

  const second = await on.server()
  await expectRightResults(others)
  await expectSaid(on, taskId, place)
  const outcome = within('its outcome', RESULTS_MS_MAX, Promise.resolve(poisoned?.handle.result()))
  await expect(outcome).rejects.toSatisfy((error) => error instanceof TaskerError && error.reason === 'STREAM_QUARANTINED')
  // The attempts of the task that stands still hold no slot for ever.
  await until('all slots are free', RESULTS_MS_MAX, async () => ((await busySlots(on.address)) === 0 ? true : undefined))
  expect(await end(second)).toBe(0)

  await on.server()
  await expectSaid(on, taskId, place)
  const more = await sendParcels(on, 20, { holdMs: 5 })
  await expectRightResults(more)
  const audit = await expectSoundLog(on, [...others, ...more], taskId)
  expect(audit.tasks.size).toBe(219)
}, 180_000)
