/** `/v1/projections` as its callers see it. */
import { instant } from '@tasker/core'
import { PROJECTION_LIST, VERIFICATION_STATE } from '@tasker/server/internal/rest/schema/projections'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DoorUnderTest, openDoor } from './door-under-test.js'
import { DIFFERENCE, runningVerification } from './projections-under-test.js'

let door: DoorUnderTest
beforeEach(async () => {
  door = await openDoor()
})
afterEach(() => door.stop())

const call = (method: 'GET' | 'POST', url: string) => door.app.inject({ method, url })

test('the list says how each projection stands', async () => {
  const { statuses } = door.projections
  const [task] = statuses
  if (task === undefined) throw new Error('there is a projection')
  statuses[0] = {
    ...task,
    programVersion: 2,
    rebuild: {
      name: 'task',
      version: 2,
      phase: 'folding',
      turn: 4,
      cursor: 'x',
      targets: new Map(),
      streams: 400,
      requestedAt: instant(0),
      problem: 'the disk is full',
    },
    finding: { count: 2, first: DIFFERENCE, foundAt: instant(0) },
  }
  const { projections } = PROJECTION_LIST.parse((await call('GET', '/v1/projections')).json())
  expect(projections).toMatchObject([
    {
      name: 'task',
      version: 1,
      program_version: 2,
      lag_commits: 7,
      lag_ms: 20,
      rebuild: { phase: 'folding', streams: 400, problem: 'the disk is full' },
      differences: { rows: 2, first: { kind: 'changed', column: 'status', expected: 'complete', found: 'pending', version: 9 } },
    },
    { name: 'timer', rebuild: null, differences: null },
  ])
})

test('a rebuild is taken for a projection there is, and no other', async () => {
  expect((await call('POST', '/v1/projections/timer/rebuild')).statusCode).toBe(202)
  const unknown = await call('POST', '/v1/projections/timers/rebuild')
  expect(unknown.statusCode).toBe(404)
  expect(unknown.json()).toMatchObject({ reason: 'PROJECTION_NOT_FOUND', hint: 'There are task, timer.' })
  expect(door.projections.rebuilt).toEqual(['timer'])
})

test('a comparison begins for all or for some, one at a time, and tells how far it is', async () => {
  expect(VERIFICATION_STATE.parse((await call('GET', '/v1/projections/verify')).json())).toEqual({ verification: null })
  const begun = await call('POST', '/v1/projections/verify?name=timer&name=task')
  expect(begun.statusCode).toBe(202)
  expect(begun.json()).toMatchObject({ verification: { state: 'running', projections: ['timer', 'task'] } })
  const second = await call('POST', '/v1/projections/verify')
  expect(second.statusCode).toBe(409)
  expect(second.json()).toMatchObject({ reason: 'VERIFICATION_RUNNING' })
  expect((await call('POST', '/v1/projections/verify?name=nothing')).json()).toMatchObject({ reason: 'PROJECTION_NOT_FOUND' })
  door.projections.verification = {
    ...runningVerification(['task']),
    state: 'done',
    endedAt: instant(5),
    streams: 12,
    differences: new Map([['task', 1]]),
    first: DIFFERENCE,
    unreadable: 1,
    firstUnreadable: { stream: 'task x', position: '0:3', message: 'no' },
    notCompared: ['activity: no'],
  }
  expect(VERIFICATION_STATE.parse((await call('GET', '/v1/projections/verify')).json()).verification).toMatchObject({
    state: 'done',
    streams: 12,
    differences: { task: 1 },
    first_difference: { projection: 'task', row: { task_id: '01JD0000000000000000000000' } },
    unreadable_streams: 1,
    not_compared: ['activity: no'],
  })
})

test('the lag of each projection and partition is a metric', async () => {
  door.door.metrics.observeLags(() => [{ projection: 'task', partition: 3, commits: 7, seconds: 0.02 }])
  const { text } = await door.door.metrics.scrape()
  expect(text).toContain('tasker_projection_partition_lag_commits{projection="task",partition="3"} 7')
  expect(text).toContain('tasker_projection_partition_lag_seconds{projection="task",partition="3"} 0.02')
})
