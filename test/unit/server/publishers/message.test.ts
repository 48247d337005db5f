import { durationMs, instant, stepId, type TaskEvent, trustedJson, workerId } from '@tasker/core'
import { envelopeText, fastMessages, recordedMessages } from '@tasker/server/internal/publishers/message'
import { jsonbEnvelope } from '@tasker/server/internal/publishers/pgmq/jsonb-text'
import { namespaceSlug, queueName } from '@tasker/server/internal/publishers/queue-name'
import { expect, test } from 'vitest'

const SOURCE = { taskId: 'T1', namespace: 'shop', at: instant(Date.UTC(2026, 0, 1)), firstVersion: 7 }
const of = { step: stepId('charge'), attempt: 2 } as const

const completed = (output: string): TaskEvent => ({ type: 'step.completed', ...of, output: trustedJson(output) })

const recorded = (more: object = {}): Extract<TaskEvent, { type: 'domain_event.recorded' }> => ({
  type: 'domain_event.recorded',
  name: 'card.charged',
  ...of,
  outcome: 'success',
  delivery: 'durable',
  correlationId: 'c-1',
  template: 'order@1.0.0',
  ...more,
})

test('an event is the result of its commit, byte for byte, and its id is that of the recorded event', () => {
  expect(recordedMessages([completed('{"n": 1.50}'), recorded()], SOURCE)).toEqual([
    {
      eventId: 'T1:8',
      name: 'card.charged',
      namespace: 'shop',
      taskId: 'T1',
      stepId: 'charge',
      attempt: 2,
      outcome: 'success',
      delivery: 'durable',
      correlationId: 'c-1',
      template: 'order@1.0.0',
      at: SOURCE.at,
      payload: '{"n": 1.50}',
      metadata: undefined,
    },
  ])
})

test('a payload of its own goes before the result, and a refused event goes nowhere', () => {
  const problems = [{ code: 'WRONG_TYPE', path: '', message: 'no' }]
  const events = [completed('1'), recorded({ payload: trustedJson('2') }), recorded({ problems })]
  expect(recordedMessages(events, SOURCE).map(({ payload }) => payload)).toEqual(['2'])
})

test('a failure is told as it is, without its stack, and so is a timeout', () => {
  const failure = { message: 'no', errorType: 'CardError', code: 'DECLINED', retryable: false, stack: 'at home' }
  const failed: TaskEvent = { type: 'step.failed', ...of, failure, permanent: true }
  const late: TaskEvent = { type: 'step.timed_out', kind: 'start_to_close', ...of, timeoutMs: durationMs(50), permanent: true }
  const payloads = recordedMessages([failed, recorded(), late, recorded()], SOURCE).map(
    ({ payload }) => JSON.parse(payload) as unknown,
  )
  expect(payloads).toEqual([
    { message: 'no', error_type: 'CardError', code: 'DECLINED', retryable: false },
    { message: 'The attempt ran longer than 50 ms.', error_type: 'StepTimedOut', code: 'STEP_TIMED_OUT', retryable: true },
  ])
})

test('a fast event is named after the result it speaks of', () => {
  const cause = completed('1')
  const started: TaskEvent = { type: 'step.started', ...of, worker: workerId('w') }
  const event = recorded()
  const fast = [
    { cause, event },
    { cause, event },
  ]
  expect(fastMessages(fast, [started, cause], SOURCE).map(({ eventId, delivery }) => [eventId, delivery])).toEqual([
    ['T1:8:1', 'fast'],
    ['T1:8:2', 'fast'],
  ])
})

test('the envelope has what the original has, and metadata of a publisher never hides what is always there', () => {
  const metadata = trustedJson('{"region":"eu","task_id":"forged"}')
  const [message] = recordedMessages([completed('{"id":7}'), recorded({ metadata })], SOURCE)
  if (message === undefined) throw new Error('no message')
  expect(JSON.parse(envelopeText(message))).toEqual({
    event_id: 'T1:8',
    event_name: 'card.charged',
    event_version: '1.0',
    payload: { id: 7 },
    metadata: {
      task_id: 'T1',
      step_id: 'charge',
      attempt: 2,
      outcome: 'success',
      namespace: 'shop',
      correlation_id: 'c-1',
      fired_at: '2026-01-01T00:00:00.000Z',
      fired_by: 'order@1.0.0',
      region: 'eu',
    },
  })
})

test.each([
  ['{"a":"\\u0000"}', true],
  ['{"a":"\\ud800"}', true],
  ['{"\\udc00":1}', true],
  ['["\\ud83d\\ude00"]', false],
  ['"\\\\u0000"', false],
  ['{"a":"\\u00e9"}', false],
])('what jsonb does not keep goes as base64: %s', (payload, encoded) => {
  const [message] = recordedMessages([completed(payload), recorded()], SOURCE)
  if (message === undefined) throw new Error('no message')
  const kept = JSON.parse(jsonbEnvelope(message, false)) as { readonly payload: unknown }
  const base64 = { encoding: 'base64', data: Buffer.from(payload).toString('base64') }
  expect(kept.payload).toEqual(encoded ? base64 : JSON.parse(payload))
  expect(JSON.parse(jsonbEnvelope(message, true))).toMatchObject({ payload: base64 })
})

test('each namespace has a queue of its own, under its own name where a queue can have it', () => {
  expect(queueName('shop')).toBe('shop_domain_events')
  const others = ['Shop', 'shop.eu', 'shop-eu', 'shöp', 'x'.repeat(200), `${'x'.repeat(199)}y`].map(queueName)
  expect(new Set(others).size).toBe(others.length)
  for (const name of others) expect(name).toMatch(/^[a-z0-9_]{1,47}$/)
  expect(namespaceSlug('shop.eu')).toMatch(/^shop_eu_[0-9a-f]{8}$/)
})
