/** Who is a duplicate of whom, over REST and gRPC, on a real PostgreSQL, across restarts. */
import { defineStep } from '@tasker/sdk'
import { OnDuplicate, type SubmitResponse } from '@tasker/proto'
import { PROBLEM } from '@tasker/server/internal/rest/schema/problem'
import { EVENT_LIST, TASK, TASK_LIST } from '@tasker/server/internal/rest/schema/task'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { detailOf, failureOf, submission } from '../grpc/wire-client.js'
import { answerOf, type Ground, openGround } from './ground.js'

const template = (name: string, identity: string): string => `
name: ${name}
namespace_name: shop
version: 1.0.0
${identity}
steps:
  - name: work
    handler: { callable: Shop.${name} }
`

const AT_ONCE = 50

let ground: Ground

beforeAll(async () => {
  ground = await openGround()
  for (const text of [
    template('strict', 'identity_strategy: strict'),
    template('keyed', 'identity_strategy: caller_provided'),
    template('free', ''),
    template('single', 'identity: { while_running: true }'),
  ])
    expect(await ground.rest('/v1/templates', text)).toMatchObject({ status: 201 })
})
afterAll(() => ground.close())

const post = (name: string, more: object = {}) => ground.rest('/v1/tasks', { namespace: 'shop', name, context: {}, ...more })

const taskIdOf = (body: unknown): string => TASK.parse(body).task_id

const payload = (context: object) => ({ encoding: '', data: Buffer.from(JSON.stringify(context)) })

/** How many tasks there are of a template; a server that just started shows all that the log holds. */
const countOf = async (name: string): Promise<number> =>
  TASK_LIST.parse((await ground.rest(`/v1/tasks?namespace=shop&name=${name}&limit=500`)).body).tasks.length

test('fifty equal submissions at once over REST give exactly one task; the others name it', async () => {
  const context = { order: { id: 'R-1', lines: [1, 2, 3] } }
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => post('strict', { context })))
  const created = answers.filter(({ status }) => status === 201)
  expect(created).toHaveLength(1)
  const taskId = taskIdOf(created[0]?.body)
  for (const { status, body } of answers.filter((answer) => answer.status !== 201)) {
    expect(status).toBe(409)
    expect(PROBLEM.parse(body)).toMatchObject({ reason: 'DUPLICATE_TASK', task_id: taskId })
  }
  const returned = await post('strict', { context: { order: { lines: [1, 2, 3], id: 'R-1' } }, on_duplicate: 'return' })
  expect([returned.status, taskIdOf(returned.body)]).toEqual([200, taskId])
})

test('fifty equal submissions at once over gRPC give exactly one task, and so do fifty with one key over both doors', async () => {
  const wire = submission({ name: 'strict', context: payload({ wire: 1 }), onDuplicate: OnDuplicate.ON_DUPLICATE_RETURN })
  const submitted = (more: object) => answerOf<SubmitResponse>((done) => ground.clients.tasks.submit({ ...wire, ...more }, done))
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => submitted({})))
  expect(new Set(answers.map(({ taskId }) => taskId)).size).toBe(1)
  expect(answers.filter(({ existing }) => !existing)).toHaveLength(1)
  const keyed = await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, n) =>
      n % 2 === 0
        ? (await submitted({ name: 'keyed', idempotencyKey: 'both doors' })).taskId
        : taskIdOf((await post('keyed', { context: { wire: 1 }, idempotency_key: 'both doors', on_duplicate: 'return' })).body),
    ),
  )
  expect(new Set(keyed).size).toBe(1)
  const other = await failureOf((done) =>
    ground.clients.tasks.submit({ ...wire, name: 'keyed', idempotencyKey: 'both doors', context: payload({ wire: 2 }) }, done),
  )
  expect(detailOf(other)).toMatchObject({ reason: 'IDEMPOTENCY_MISMATCH', context: { task_id: keyed[0] } })
})

test('a key that the template wants must be given', async () => {
  const missing = await post('keyed')
  expect(missing.status).toBe(422)
  expect(PROBLEM.parse(missing.body)).toMatchObject({
    reason: 'IDEMPOTENCY_KEY_REQUIRED',
    errors: [{ path: '/idempotency_key' }],
  })
  const over = await failureOf((done) => ground.clients.tasks.submit(submission({ name: 'keyed' }), done))
  expect(detailOf(over)).toMatchObject({ code: 'INVALID_INPUT', reason: 'IDEMPOTENCY_KEY_REQUIRED' })
})

test('without a strategy and a key every submission is a task of its own', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => post('free', { context: { same: true } })))
  expect(new Set(answers.map(({ body }) => taskIdOf(body))).size).toBe(10)
})

test('an identity is known after a restart, and what it is known by stands in the history', async () => {
  const context = { survives: 'a restart' }
  const taskId = taskIdOf((await post('strict', { context })).body)
  const [submitted] = EVENT_LIST.parse((await ground.rest(`/v1/tasks/${taskId}/events`)).body).events
  expect(submitted?.data['identity']).toMatch(/^[0-9a-f]{64}$/)
  await ground.restart()
  const again = await post('strict', { context })
  expect(PROBLEM.parse(again.body)).toMatchObject({ status: 409, task_id: taskId })
  // Three contexts and one key were submitted in this file, most of them many times.
  expect([await countOf('strict'), await countOf('keyed')]).toEqual([3, 1])
})

test('only while running: the next submission with the key is another task once the first is over', async () => {
  const first = taskIdOf((await post('single', { idempotency_key: 'one' })).body)
  expect(PROBLEM.parse((await post('single', { idempotency_key: 'one' })).body)).toMatchObject({ status: 409, task_id: first })
  ground.work([defineStep('Shop.single', () => ({ done: true }))])
  expect((await ground.rest(`/v1/tasks/${first}/result?wait_seconds=20`)).body).toMatchObject({ status: 'complete' })
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => post('single', { idempotency_key: 'one', on_duplicate: 'return', context: { turn: 2 } })),
  )
  const ids = new Set(answers.map(({ body }) => taskIdOf(body)))
  expect(ids.has(first)).toBe(false)
})
