/** Audits and proofs over REST. */
import { VERIFY } from '@tasker/server/internal/rest/schema/audit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DoorUnderTest, openDoor } from './door-under-test.js'

let door: DoorUnderTest

beforeEach(async () => {
  door = await openDoor()
})
afterEach(() => door.stop())

const get = (url: string) => door.app.inject({ url })

test('a log without anything in it is what was written', async () => {
  const answer = await get('/v1/audit/verify?from=0:1&limit=5')
  expect(answer.statusCode).toBe(200)
  expect(VERIFY.parse(answer.json())).toEqual({ ok: true, commits: 0, seals: 0, unsealed: 0, next: null, finding: null })
})

test.each(['from=here', 'from=1', 'limit=0', 'limit=100001', 'to=3'])('an audit with %s is refused', async (query) => {
  expect((await get(`/v1/audit/verify?${query}`)).json()).toMatchObject({ status: 422 })
})

test.each(['01HZZZZZZZZZZZZZZZZZZZZZZA', 'no-id'])('there is no proof of the task %s', async (id) => {
  expect((await get(`/v1/tasks/${id}/proof`)).json()).toMatchObject({ status: 404, reason: 'TASK_NOT_FOUND' })
})
