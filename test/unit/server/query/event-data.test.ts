/** An event's data as readers see it. */
import { durationMs, instant, namespaceOf, stepId, templateHash, trustedJson, workerId, type TaskEvent } from '@tasker/core'
import { eventDataText } from '@tasker/server/internal/query/event-data'
import { expect, test } from 'vitest'

const a = stepId('a')
const failure = {
  message: 'it broke',
  errorType: 'RetryableError',
  code: 'HTTP_503',
  retryable: true,
  retryAfterMs: durationMs(5),
}

test.each<[TaskEvent, string]>([
  [
    {
      type: 'task.submitted',
      namespace: namespaceOf('shop'),
      name: 'order',
      version: '1.0.0',
      templateHash: templateHash('ab'),
      context: trustedJson('{ "n" : 1.0, "__proto__": "\\ud800" }'),
      priority: 0,
      tags: ['x'],
      correlationId: 'c',
      runAt: instant(0),
    },
    '{"namespace":"shop","name":"order","version":"1.0.0","template_hash":"ab","priority":0,"tags":["x"],"correlation_id":"c",' +
      '"run_at":"1970-01-01T00:00:00.000Z","context":{ "n" : 1.0, "__proto__": "\\ud800" }}',
  ],
  [{ type: 'steps.created', segment: 'initial', steps: [a] }, '{"segment":"initial","steps":["a"]}'],
  [
    { type: 'steps.created', segment: 'decision', decision: a, chosen: [], steps: [], notTaken: [stepId('b')], reason: 'closed' },
    '{"segment":"decision","decision":"a","chosen":[],"steps":[],"not_taken":["b"],"reason":"closed"}',
  ],
  [
    {
      type: 'steps.created',
      segment: 'batches',
      batchable: a,
      steps: [stepId('w_1')],
      ranges: [{ id: '1', start: trustedJson('[ 0 ]'), end: trustedJson('9'), size: 9 }],
      isNoOp: false,
      totalItems: 9,
    },
    '{"segment":"batches","batchable":"a","steps":["w_1"],"is_no_op":false,"total_items":9,"batches":[{"id":"1","start":[ 0 ],"end":9,"size":9}]}',
  ],
  [
    { type: 'step.checkpointed', step: a, attempt: 1, number: 2, cursor: trustedJson('{ "p": 1 }'), itemsProcessed: 5 },
    '{"step_id":"a","attempt":1,"number":2,"items_processed":5,"cursor":{ "p": 1 }}',
  ],
  [{ type: 'step.scheduled', step: a, attempt: 1 }, '{"step_id":"a","attempt":1}'],
  [{ type: 'step.started', step: a, attempt: 1, worker: workerId('w') }, '{"step_id":"a","attempt":1,"worker_id":"w"}'],
  [{ type: 'step.released', step: a, attempt: 1, reason: 'never sent' }, '{"step_id":"a","attempt":1,"reason":"never sent"}'],
  [{ type: 'step.completed', step: a, attempt: 1, output: trustedJson('[ 1 ]') }, '{"step_id":"a","attempt":1,"output":[ 1 ]}'],
  [
    { type: 'step.failed', step: a, attempt: 1, failure, permanent: false },
    '{"step_id":"a","attempt":1,"failure":{"message":"it broke","error_type":"RetryableError","code":"HTTP_503","retryable":true,"retry_after_ms":5},"permanent":false}',
  ],
  [
    { type: 'step.timed_out', kind: 'start_to_close', step: a, attempt: 1, timeoutMs: durationMs(9), permanent: true },
    '{"step_id":"a","attempt":1,"kind":"start_to_close","timeout_ms":9,"permanent":true}',
  ],
  [
    { type: 'step.retry_scheduled', step: a, attempt: 2, dueAt: instant(1), delayMs: durationMs(1) },
    '{"step_id":"a","attempt":2,"next_retry_at":"1970-01-01T00:00:00.001Z","delay_ms":1}',
  ],
  [
    { type: 'step.result_ignored', step: a, attempt: 1, outcome: 'completed', reason: 'late' },
    '{"step_id":"a","attempt":1,"outcome":"completed","reason":"late"}',
  ],
  [{ type: 'step.cancelled', step: a }, '{"step_id":"a"}'],
  [{ type: 'task.blocked', steps: [a] }, '{"steps":["a"]}'],
  [{ type: 'task.cancel_requested', graceMs: durationMs(10) }, '{"grace_ms":10}'],
  [{ type: 'task.cancelled' }, '{}'],
  [{ type: 'task.completed' }, '{}'],
  [
    { type: 'effect.recorded', kind: 'step', key: 'k', outcome: { type: 'succeeded', result: trustedJson('[ 1 ]') } },
    '{"kind":"step","key":"k","outcome":"succeeded","result":[ 1 ]}',
  ],
  [
    { type: 'effect.recorded', kind: 'send', key: 'k', outcome: { type: 'failed', failure } },
    '{"kind":"send","key":"k","outcome":"failed","failure":{"message":"it broke","error_type":"RetryableError","code":"HTTP_503","retryable":true,"retry_after_ms":5}}',
  ],
  [
    { type: 'effect.recorded', kind: 'step', key: 'k', outcome: { type: 'cancelled' } },
    '{"kind":"step","key":"k","outcome":"cancelled"}',
  ],
  [{ type: 'effect.recorded', kind: 'patch', key: 'new' }, '{"kind":"patch","key":"new"}'],
  [
    { type: 'effect.recorded', kind: 'state', key: 'n', value: trustedJson('{ "a": 1 }') },
    '{"kind":"state","key":"n","value":{ "a": 1 }}',
  ],
  [
    { type: 'timer.started', kind: 'timer', key: 'sleep', dueAt: instant(1) },
    '{"kind":"timer","key":"sleep","due_at":"1970-01-01T00:00:00.001Z"}',
  ],
  [{ type: 'timer.fired', kind: 'timer', key: 'sleep' }, '{"kind":"timer","key":"sleep"}'],
  [{ type: 'timer.cancelled', kind: 'signal', key: 'note' }, '{"kind":"signal","key":"note"}'],
  [
    { type: 'signal.received', name: 'note', payload: trustedJson('{ "a": 1 }'), number: 3, requestId: 'r' },
    '{"name":"note","number":3,"request_id":"r","payload":{ "a": 1 }}',
  ],
  [{ type: 'step.suspended', step: a, attempt: 2 }, '{"step_id":"a","attempt":2}'],
  [
    { type: 'function.diverged', expected: 'the step a', actual: 'its end', line: 'f.ts:1:2' },
    '{"expected":"the step a","actual":"its end","line":"f.ts:1:2"}',
  ],
  [{ type: 'function.continued', input: trustedJson('[ 2 ]'), unread: [1] }, '{"unread":[1],"input":[ 2 ]}'],
])('%j', (event, text) => {
  expect(eventDataText(event)).toBe(text)
})
