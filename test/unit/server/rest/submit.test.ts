/** What a caller of `POST /v1/tasks` sees: payloads kept, bad input named, repeats recognised. */
import { LIMITS } from '@tasker/core'
import { PROBLEM } from '@tasker/server/internal/rest/schema/problem'
import { TASK } from '@tasker/server/internal/rest/schema/task'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DoorUnderTest, openDoor } from './door-under-test.js'

let door: DoorUnderTest

beforeEach(async () => {
  door = await openDoor()
})
afterEach(() => door.stop())

const submit = (payload: string | Buffer, headers: Readonly<Record<string, string>> = {}) =>
  door.app.inject({ method: 'POST', url: '/v1/tasks', payload, headers: { 'content-type': 'application/json', ...headers } })

const order = (context: string, more = ''): string => `{"namespace":"shop","name":"order","context":${context}${more}}`

test('a task is answered with 201, its address, its token and itself', async () => {
  const answer = await submit(order('{"id":"A-1"}', ',"tags":["new"]'))
  expect(answer.statusCode).toBe(201)
  const task = TASK.parse(answer.json())
  expect(task).toMatchObject({
    namespace: 'shop',
    name: 'order',
    version: '1.0.0',
    status: 'pending',
    context: { id: 'A-1' },
    tags: ['new'],
  })
  expect(answer.headers).toMatchObject({ location: `/v1/tasks/${task.task_id}`, 'tasker-consistency-token': '0:1' })
})

describe('a context comes back byte for byte', () => {
  test.each([
    ['keys that JavaScript knows', '{"online":1,"function":2,"__proto__":{"a":1},"constructor":{"prototype":3},"toString":4}'],
    ['escapes of NUL, of half a pair, and emoji', '{"nul":"\\u0000","half":"\\ud800","emoji":"😀","escaped":"\\ud83d\\ude00"}'],
    ['blanks and numbers as written', '{ "a" : 1.0,\n\t"b":1e2, "c": -0 , "d":0.10}'],
    ['nothing', '{}'],
  ])('%s', async (_what, context) => {
    const answer = await submit(order(context))
    expect(answer.statusCode).toBe(201)
    expect(answer.body).toContain(`"context":${context},`)
    expect(door.submissions[0]?.context).toBe(context)
    const read = await door.app.inject({ url: answer.headers.location?.toString() ?? '' })
    expect(read.body).toContain(`"context":${context},`)
  })
})

describe('what cannot be kept is refused with its path', () => {
  test.each([
    ['an integer no double holds', order('{"a":[1,{"big":9007199254740993}]}'), 'JSON_NUMBER', '/context/a/1/big'],
    ['a number beyond all doubles', order('{"a":1e400}'), 'JSON_NUMBER', '/context/a'],
    ['a key that stands twice', order('{"a":1,"a":2}'), 'JSON_DUPLICATE_KEY', '/context/a'],
  ])('%s', async (_what, body, code, path) => {
    const answer = await submit(body)
    expect(answer.statusCode).toBe(422)
    expect(answer.json()).toMatchObject({ code: 'INVALID_INPUT', reason: code, errors: [{ code, path }] })
  })

  test('bytes that are no UTF-8', async () => {
    const [before, after] = order('{"ok":"\ufffd","name":"caf#"}').split('#')
    const answer = await submit(Buffer.concat([Buffer.from(before ?? ''), Buffer.from([0xe9]), Buffer.from(after ?? '')]))
    expect(answer.statusCode).toBe(422)
    expect(answer.json()).toMatchObject({ reason: 'INVALID_UTF8', errors: [{ path: '/context/name' }] })
  })
})

test.each([
  ['no JSON', '{"namespace":', 400, 'JSON_SYNTAX'],
  ['nothing at all', '', 400, 'JSON_SYNTAX'],
  ['a list', '[]', 422, 'INVALID_REQUEST'],
])('a body that is %s is refused', async (_what, body, status, reason) => {
  const answer = await submit(body)
  expect(answer.statusCode).toBe(status)
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(PROBLEM.parse(answer.json())).toMatchObject({ status, code: 'INVALID_INPUT', reason, instance: '/v1/tasks' })
})

test('every failing field is named at once', async () => {
  const answer = await submit(
    '{"namespace":1,"context":[],"tags":["a",""],"prority":3,"priority":1.5,"run_at":"tomorrow","initiator":"a\\u0000b"}',
  )
  expect(answer.statusCode).toBe(422)
  const { errors } = answer.json<{ errors: { code: string; path: string; hint?: string }[] }>()
  expect(Object.fromEntries(errors.map(({ path, code }) => [path, code]))).toEqual({
    '/namespace': 'WRONG_TYPE',
    '/name': 'MISSING_FIELD',
    '/context': 'BAD_VALUE',
    '/tags/1': 'OUT_OF_RANGE',
    '/prority': 'UNKNOWN_FIELD',
    '/priority': 'WRONG_TYPE',
    '/run_at': 'BAD_VALUE',
    '/initiator': 'BAD_VALUE',
  })
  expect(errors.find(({ path }) => path === '/prority')?.hint).toContain('priority')
})

test.each([-101, 101])('a priority of %d is out of range', async (priority) => {
  const answer = await submit(JSON.stringify({ namespace: 'shop', name: 'order', context: {}, priority }))
  expect(answer.statusCode).toBe(422)
  expect(answer.json<{ errors: unknown }>().errors).toMatchObject([{ path: '/priority', code: 'OUT_OF_RANGE' }])
})

test('names, a version, a reason and a priority have bounds, and what is at them is taken', async () => {
  const body = (version: number, reason: number, priority: number, name: number) =>
    JSON.stringify({
      namespace: 'shop',
      name: 'order',
      context: { id: 'A-1' },
      initiator: 'i'.repeat(name),
      version: version === 0 ? null : `1.0.0-${'x'.repeat(version - 6)}`,
      reason: 'r'.repeat(reason),
      priority,
    })
  const over = await submit(body(51, 501, 101, 256))
  expect(over.statusCode).toBe(422)
  const { errors } = over.json<{ errors: { code: string; path: string }[] }>()
  expect(errors.map(({ code, path }) => `${code} ${path}`).toSorted()).toEqual([
    'OUT_OF_RANGE /initiator',
    'OUT_OF_RANGE /priority',
    'OUT_OF_RANGE /reason',
    'OUT_OF_RANGE /version',
  ])
  expect((await submit(body(0, 500, -100, 255))).statusCode).toBe(201)
})

test('null means that an optional field is not given', async () => {
  const answer = await submit(order('{}', ',"version":null,"tags":null,"run_at":null,"on_duplicate":null'))
  expect(answer.statusCode).toBe(201)
})

test('a context above its limit is refused as too large, one at the limit is taken', async () => {
  const contextOf = (bytes: number): string => `{"a":"${'x'.repeat(bytes - 8)}"}`
  const over = await submit(order(contextOf(LIMITS.contextBytesMax + 1)))
  expect(over.statusCode).toBe(413)
  expect(over.json()).toMatchObject({ code: 'TOO_LARGE', reason: 'CONTEXT_TOO_LARGE' })
  const far = await submit(order(contextOf(8 * LIMITS.contextBytesMax)))
  expect(far.json()).toMatchObject({ status: 413, code: 'TOO_LARGE', reason: 'CONTEXT_TOO_LARGE' })
  expect((await submit(order(contextOf(LIMITS.contextBytesMax)))).statusCode).toBe(201)
})

test.each(['application/x-www-form-urlencoded', 'text/plain', 'application/yaml'])(
  'a body of type %s is refused with 415',
  async (type) => {
    const answer = await submit(order('{}'), { 'content-type': type })
    expect(answer.statusCode).toBe(415)
    expect(answer.json()).toMatchObject({ reason: 'UNSUPPORTED_MEDIA_TYPE', code: 'INVALID_INPUT' })
  },
)

test('a repeat with the same request id gives the same task, by body or by header', async () => {
  const requestId = '01HZZZZZZZZZZZZZZZZZZZZZZZ'
  const first = await submit(order('{}', `,"request_id":"${requestId}"`))
  const repeat = await submit(order('{}'), { 'tasker-request-id': requestId.toLowerCase() })
  expect([first.statusCode, repeat.statusCode]).toEqual([201, 200])
  expect(repeat.json()).toMatchObject({ task_id: first.json<{ task_id: string }>().task_id })
})

test('request ids that are none, or two that differ, are refused', async () => {
  const bad = await submit(order('{}'), { 'tasker-request-id': 'mine' })
  expect(bad.json()).toMatchObject({ status: 422, errors: [{ path: '/request_id' }] })
  const two = await submit(order('{}', ',"request_id":"01HZZZZZZZZZZZZZZZZZZZZZZZ"'), {
    'tasker-request-id': '01HZZZZZZZZZZZZZZZZZZZZZZY',
  })
  expect(two.statusCode).toBe(422)
})

test('a fault of the engine is answered with its status, its reason and the names in it', async () => {
  door.trouble.fault = {
    code: 'CONFLICT',
    reason: 'TASK_EXISTS',
    message: 'there is a task with this key',
    context: { task_id: '01HZZZZZZZZZZZZZZZZZZZZZZZ' },
  }
  const conflict = await submit(order('{}'))
  expect(conflict.statusCode).toBe(409)
  expect(conflict.json()).toMatchObject({
    type: 'urn:tasker:error:TASK_EXISTS',
    task_id: '01HZZZZZZZZZZZZZZZZZZZZZZZ',
    retryable: false,
  })
  door.trouble.fault = { code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE', message: 'away', retryAfterMs: 2_500 }
  const away = await submit(order('{}'))
  expect(away.statusCode).toBe(503)
  expect(away.headers['retry-after']).toBe('3')
  door.trouble.fault = { code: 'BACKPRESSURE', reason: 'TOO_MANY_PENDING', message: 'busy' }
  const busy = await submit(order('{}'))
  expect([busy.statusCode, busy.headers['retry-after']]).toEqual([503, '1'])
})

test('a task that was taken but cannot be read back is still answered with 201', async () => {
  door.trouble.readFault = { code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE', message: 'away' }
  const answer = await submit(order('{}'))
  expect(answer.statusCode).toBe(201)
  expect(answer.body).toMatch(/^\{"task_id":"[0-9A-Z]{26}"\}$/)
})
