/** Events to stored text and back: payloads byte for byte, old shapes as new ones, strange ones by name. */
import {
  durationMs,
  instant,
  namespaceOf,
  partitionNumber,
  stepId,
  type TaskEvent,
  templateHash,
  trustedJson,
  workerId,
} from '@tasker/core'
import { causeText, decodeTaskEvents, encodeTaskEvents, parseCause } from '@tasker/server/internal/log/codec'
import { CorruptEventError, UnknownEventError } from '@tasker/server/internal/log/codec/errors'
import type { Upcasters } from '@tasker/server/internal/log/codec/upcast'
import { commitHash } from '@tasker/server/internal/log/commit-hash'
import type { StoredCommit } from '@tasker/server/internal/log/port'
import { acquisitionDraft, epochOf } from '@tasker/server/internal/log/partition-codec'
import { decodeTemplateEvents, encodeTemplateEvent, templateStream } from '@tasker/server/internal/log/template-codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const stored = (types: readonly string[], text: string): StoredCommit => {
  const content = {
    stream: { kind: 'task', id: 'a' },
    partition: partitionNumber(0),
    firstVersion: 4,
    namespace: 'shop',
    at: instant(7),
    actor: 'ann',
    worker: undefined,
    cause: 'complete_step 01J',
    types,
    text,
  } as const
  return { ...content, seq: 1, hash: commitHash(content) }
}

const roundTrip = (events: readonly TaskEvent[]): readonly TaskEvent[] => {
  const { types, text } = encodeTaskEvents(events)
  return decodeTaskEvents(stored(types, text)).map((recorded) => recorded.event)
}

const step = stepId('charge "card" \u0000 🦀')
const failure = { message: 'no \ud800 funds', errorType: 'PermanentError', retryable: false }

const EVERY_EVENT: readonly TaskEvent[] = [
  {
    type: 'task.submitted',
    namespace: namespaceOf('shop'),
    name: 'order',
    version: '1.0.0',
    templateHash: templateHash('ab'),
    context: trustedJson('{ "__proto__" : {"b":1e2} }'),
    priority: -3,
    tags: ['a', 'ü'],
    correlationId: 'c',
    parentCorrelationId: 'p',
    initiator: 'ann',
    sourceSystem: 'web',
    reason: '',
    idempotencyKey: 'k',
    runAt: instant(9),
  },
  { type: 'steps.created', segment: 'initial', steps: [step, stepId('b')] },
  {
    type: 'steps.created',
    segment: 'decision',
    decision: step,
    chosen: [stepId('b')],
    steps: [stepId('b')],
    notTaken: [stepId('c')],
  },
  { type: 'steps.created', segment: 'decision', decision: step, chosen: [], steps: [], notTaken: [], reason: 'no "one"' },
  {
    type: 'steps.created',
    segment: 'batches',
    batchable: step,
    steps: [stepId('w_001')],
    ranges: [{ id: '00"1', start: trustedJson('{ "page" : 1.0 }'), end: trustedJson('"\\ud800"'), size: 7 }],
    isNoOp: false,
    totalItems: 7,
  },
  { type: 'steps.created', segment: 'batches', batchable: step, steps: [], ranges: [], isNoOp: true, reason: 'empty' },
  { type: 'step.checkpointed', step, attempt: 1, number: 3, cursor: trustedJson('[ 1.50 ]'), itemsProcessed: 9 },
  {
    type: 'step.checkpointed',
    step,
    attempt: 1,
    number: 4,
    cursor: trustedJson('null'),
    itemsProcessed: 0,
    accumulated: trustedJson('{"sum" : 1e2}'),
  },
  { type: 'step.scheduled', step, attempt: 1 },
  { type: 'step.started', step, attempt: 1, worker: workerId('w"1') },
  { type: 'step.released', step, attempt: 1, reason: 'never sent' },
  { type: 'step.completed', step, attempt: 2, output: trustedJson('[1.50, "\\u0000"]') },
  { type: 'step.completed', step, attempt: 2, output: trustedJson('1'), metadata: trustedJson('{ "rows": 1.50 }') },
  { type: 'step.failed', step, attempt: 3, failure, permanent: true },
  { type: 'step.failed', step, attempt: 3, failure, metadata: trustedJson('{ "host": "\\u0041" }'), permanent: false },
  {
    type: 'step.failed',
    step,
    attempt: 3,
    failure: { ...failure, code: 'X', retryAfterMs: durationMs(5), stack: 'at line 1' },
    permanent: false,
  },
  { type: 'step.timed_out', kind: 'heartbeat', step, attempt: 4, timeoutMs: durationMs(60_000), permanent: false },
  { type: 'step.retry_scheduled', step, attempt: 5, dueAt: instant(99), delayMs: durationMs(90) },
  { type: 'step.cancelled', step },
  { type: 'step.result_ignored', step, attempt: 5, outcome: 'failed', reason: 'late' },
  {
    type: 'effect.recorded',
    kind: 'step',
    key: 'all/0/"a"#2',
    outcome: { type: 'succeeded', result: trustedJson('{ "n" : 1.0 }') },
  },
  { type: 'effect.recorded', kind: 'send', key: 'k', outcome: { type: 'failed', failure: { ...failure, code: 'X' } } },
  { type: 'effect.recorded', kind: 'step', key: 'k', outcome: { type: 'cancelled' } },
  { type: 'effect.recorded', kind: 'patch', key: 'new-tax' },
  { type: 'effect.recorded', kind: 'state', key: 'phase', value: trustedJson('[ 1.50 ]') },
  { type: 'timer.started', kind: 'timer', key: 'sleep', dueAt: instant(99) },
  { type: 'timer.fired', kind: 'signal', key: 'cancel' },
  { type: 'timer.cancelled', kind: 'signal', key: 'cancel' },
  { type: 'signal.received', name: 'note', payload: trustedJson('"\\ud800"'), number: 1, requestId: 'r"1' },
  { type: 'signal.received', name: 'note', payload: trustedJson('1E+2'), number: 2 },
  { type: 'step.suspended', step, attempt: 5 },
  { type: 'function.diverged', expected: 'the step "a"', actual: 'nothing', line: '' },
  { type: 'function.continued', input: trustedJson('{ "page" : 2.0 }'), unread: [2, 7] },
  { type: 'task.blocked', steps: [step] },
  { type: 'task.cancel_requested', graceMs: durationMs(10) },
  { type: 'task.cancel_requested', reason: 'customer left', graceMs: durationMs(10) },
  { type: 'task.cancelled' },
  { type: 'task.completed' },
]

describe('events of a task', () => {
  test('every event comes back as it was', () => {
    expect(roundTrip(EVERY_EVENT)).toEqual(EVERY_EVENT)
  })

  test('types stand beside the text, not in it, and the envelope comes from the commit', () => {
    const { types, text } = encodeTaskEvents([
      { type: 'step.scheduled', step: stepId('a'), attempt: 1 },
      { type: 'task.completed' },
    ])
    expect(types).toEqual(['step.scheduled', 'task.completed'])
    expect(text).toBe('[{"step":"a","attempt":1},{}]')
    expect(decodeTaskEvents(stored(types, text))).toMatchObject([
      { version: 4, at: 7, cause: { actor: 'ann', command: 'complete_step', requestId: '01J' } },
      { version: 5 },
    ])
  })

  test('payloads keep every byte, whatever JSON they are', () => {
    const blank = fc.stringMatching(/^[ \n\t]{0,3}$/)
    const payload = fc
      .tuple(blank, fc.json({ stringUnit: 'binary' }), blank)
      .map(([before, json]) => trustedJson(`${before}${json}`.trim()))
    fc.assert(
      fc.property(payload, (output) => {
        const event: TaskEvent = { type: 'step.completed', step, attempt: 1, output }
        expect(roundTrip([event, event])).toEqual([event, event])
      }),
    )
    const odd = trustedJson('{"a" :  1.0, "a": 1E+2, "\\u0061":"\\/"}')
    expect(roundTrip([{ type: 'step.completed', step, attempt: 1, output: odd }])).toMatchObject([{ output: odd }])
  })

  test('a timeout of before there were kinds is one of an attempt that ran too long', () => {
    const text = '[{"step":"a","attempt":1,"timeoutMs":5,"permanent":true}]'
    expect(decodeTaskEvents(stored(['step.timed_out'], text))[0]?.event).toMatchObject({ kind: 'start_to_close', timeoutMs: 5 })
  })

  test('an event of an unknown type is named', () => {
    expect(() => decodeTaskEvents(stored(['step.teleported'], '[{}]'))).toThrow(UnknownEventError)
    expect(() => decodeTaskEvents(stored(['constructor'], '[{}]'))).toThrow(/unknown event constructor/)
  })

  test.each([
    ['no JSON at all', ['task.completed'], 'nonsense'],
    ['half an array', ['step.cancelled'], '[{"step":"a'],
    ['fewer objects than types', ['task.completed', 'task.completed'], '[{}]'],
    ['a missing member', ['step.cancelled'], '[{}]'],
    ['a member of another type', ['step.scheduled'], '[{"step":"a","attempt":"one"}]'],
    ['a value that is none of the known', ['step.result_ignored'], '[{"step":"a","attempt":1,"outcome":"odd","reason":""}]'],
    ['a list of other things', ['task.blocked'], '[{"steps":[1]}]'],
    ['a list of no numbers', ['function.continued'], '[{"input":1,"unread":["1"]}]'],
    ['an effect of an unknown kind', ['effect.recorded'], '[{"kind":"odd","key":"k"}]'],
    ['an outcome of an unknown type', ['effect.recorded'], '[{"kind":"step","key":"k","outcome":{"type":"odd"}}]'],
    ['something else than an object', ['step.failed'], '[{"step":"a","attempt":1,"failure":7,"permanent":true}]'],
  ])('stored text with %s is called corrupt', (_, types, text) => {
    expect(() => decodeTaskEvents(stored(types, text))).toThrow(CorruptEventError)
  })
})

describe('old shapes', () => {
  /** In shape 1 the step was called `name`, in shape 2 attempts were counted from 0. */
  const upcasters: Upcasters = new Map([
    [
      'step.completed',
      [
        (members) => new Map([...members].map(([key, value]) => [key === 'name' ? 'step' : key, value])),
        (members) => new Map([...members, ['attempt', trustedJson(String(Number(members.get('attempt')) + 1))]]),
      ],
    ],
  ])
  const newest = { type: 'step.completed', step: 'a', attempt: 1, output: '{ "kept" : 1.0 }' }

  test.each([
    ['the first', '[{"name":"a","attempt":0,"output":{ "kept" : 1.0 }}]'],
    ['the second', '[{"v":2,"step":"a","attempt":0,"output":{ "kept" : 1.0 }}]'],
    ['the newest', '[{"v":3,"step":"a","attempt":1,"output":{ "kept" : 1.0 }}]'],
  ])('an event in %s shape is read as the newest', (_, text) => {
    expect(decodeTaskEvents(stored(['step.completed'], text), upcasters)[0]?.event).toEqual(newest)
  })

  test('new events say the version of their shape', () => {
    const event: TaskEvent = { type: 'step.completed', step: stepId('a'), attempt: 1, output: trustedJson('1') }
    const { types, text } = encodeTaskEvents([event, { type: 'task.completed' }], upcasters)
    expect(text).toBe('[{"v":3,"step":"a","attempt":1,"output":1},{}]')
    expect(decodeTaskEvents(stored(types, text), upcasters)[0]?.event).toEqual(event)
  })

  test('a shape from the future is unknown, and one that is no number corrupt', () => {
    expect(() => decodeTaskEvents(stored(['step.completed'], '[{"v":4}]'), upcasters)).toThrow(UnknownEventError)
    expect(() => decodeTaskEvents(stored(['step.completed'], '[{"v":"x"}]'), upcasters)).toThrow(CorruptEventError)
  })
})

test('a cause is the command, and the request where there is one', () => {
  const causes = [
    { actor: 'ann', command: 'submit', requestId: '01J' },
    { actor: 'engine', command: 'retry_due' },
  ]
  expect(causes.map((cause) => parseCause(cause.actor, causeText(cause)))).toEqual(causes)
})

test('a template comes back as it was registered', () => {
  const namespace = namespaceOf('shop')
  const event = {
    type: 'template.registered',
    namespace,
    name: 'order',
    version: '1.0.0',
    hash: templateHash('ab'),
    content: 'name: order\n# ü "quoted" \u0001\n',
  } as const
  const { types, text } = encodeTemplateEvent(event)
  expect(decodeTemplateEvents(stored(types, text))).toEqual([event])
  expect(() => decodeTemplateEvents(stored(['template.eaten'], '[{}]'))).toThrow(UnknownEventError)
  expect(templateStream(namespace, 'order')).toEqual({ kind: 'template', id: 'shop/order' })
})

test('each owner of a partition has the next epoch', () => {
  const first = { ...acquisitionDraft(partitionNumber(3), 'node "1"', instant(1), undefined), seq: 1 }
  const second = { ...acquisitionDraft(partitionNumber(3), 'node-2', instant(2), first), seq: 2 }
  expect([first, second].map(epochOf)).toEqual([1, 2])
  expect(first.text).toBe('[{"epoch":1,"node":"node \\"1\\""}]')
  expect(second.firstVersion).toBe(2)
  expect(() => epochOf(stored(['task.completed'], '[{}]'))).toThrow(UnknownEventError)
})
