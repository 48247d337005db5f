/** The wall for submissions: every failing field is named, and what passes is what was sent. */
import { readSubmission, withContextPaths } from '@tasker/server/internal/grpc/submission'
import { LIMITS } from '@tasker/core'
import type { SubmitRequest } from '@tasker/proto'
import { describe, expect, test } from 'vitest'

const wire = (more: Partial<SubmitRequest> = {}): SubmitRequest => ({
  requestId: '01JGZZZZZZ000000000000000R',
  namespace: 'shop',
  name: 'order',
  version: '',
  context: undefined,
  initiator: '',
  sourceSystem: '',
  reason: '',
  tags: [],
  priority: undefined,
  correlationId: '',
  parentCorrelationId: '',
  idempotencyKey: '',
  runAtMs: 0,
  delayMs: 0,
  onDuplicate: 0,
  signal: undefined,
  watchOutcome: false,
  ...more,
})

const context = (text: string) => ({ encoding: '', data: Buffer.from(text) })

const submitted = (more: Partial<SubmitRequest> = {}) => {
  const read = readSubmission(wire(more))
  if (read.type === 'refused') throw new Error(read.fault.message)
  return read.submission
}

const refusedPaths = (more: Partial<SubmitRequest>) => {
  const read = readSubmission(wire(more))
  return read.type === 'refused' ? (read.fault.errors ?? []).map(({ path }) => path) : []
}

describe('what passes', () => {
  test('fields that were not given are undefined, and no context means an empty object', () => {
    expect(submitted()).toEqual({
      requestId: '01JGZZZZZZ000000000000000R',
      namespace: 'shop',
      name: 'order',
      version: undefined,
      context: '{}',
      actor: 'anonymous',
      initiator: undefined,
      sourceSystem: undefined,
      reason: undefined,
      tags: [],
      priority: undefined,
      correlationId: undefined,
      parentCorrelationId: undefined,
      idempotencyKey: undefined,
      runAt: undefined,
      onDuplicate: 'reject',
    })
  })

  test('fields that were given come through, the context byte for byte, priority 0 too', () => {
    expect(
      submitted({
        context: context(' {"b":1.0,\n"a":"\\u0000"}'),
        priority: 0,
        runAtMs: 5,
        onDuplicate: 2,
        initiator: 'ann',
        version: '1.0.0',
      }),
    ).toMatchObject({
      context: ' {"b":1.0,\n"a":"\\u0000"}',
      priority: 0,
      runAt: 5,
      onDuplicate: 'return',
      initiator: 'ann',
      version: '1.0.0',
    })
  })

  test('a request id in lower case is the same request', () => {
    expect(submitted({ requestId: '01jgzzzzzz000000000000000r' }).requestId).toBe('01JGZZZZZZ000000000000000R')
  })

  test('requests without an id get ids of their own, in order', () => {
    const [first, second] = [submitted({ requestId: '' }).requestId, submitted({ requestId: '' }).requestId]
    expect(first < second).toBe(true)
    expect(first).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
  })
})

describe('what is refused', () => {
  test('all failing fields are named at once', () => {
    expect(
      refusedPaths({
        requestId: 'x',
        namespace: '',
        name: 'n'.repeat(256),
        idempotencyKey: 'a\u0000',
        tags: ['', 'ok'],
        priority: -101,
        runAtMs: 9e15,
        onDuplicate: -1,
      }),
    ).toEqual(['/request_id', '/namespace', '/name', '/idempotency_key', '/tags/0', '/priority', '/run_at_ms', '/on_duplicate'])
  })

  test.each([-101, 101])('a priority of %d is out of range', (priority) => {
    expect(refusedPaths({ priority })).toEqual(['/priority'])
    expect(submitted({ priority: priority < 0 ? -100 : 100 }).priority).toBe(priority < 0 ? -100 : 100)
  })

  test('a version, a reason and a priority have bounds of their own', () => {
    const over = { version: '1'.repeat(51), reason: 'r'.repeat(501), priority: 101 }
    expect(refusedPaths(over)).toEqual(['/version', '/reason', '/priority'])
    expect(refusedPaths({ version: '1'.repeat(50), reason: 'r'.repeat(500), priority: -100 })).toEqual([])
  })

  test('65 tags are one too many', () => {
    expect(refusedPaths({ tags: Array.from({ length: LIMITS.tagsMax + 1 }, () => 't') })).toEqual(['/tags'])
  })

  test.each(['[]', '"x"', 'null', '1'])('the context %s is no object', (text) => {
    expect(refusedPaths({ context: context(text) })).toEqual(['/context'])
  })

  test('a context that is no JSON is refused with the path inside of it', () => {
    expect(refusedPaths({ context: context('{"a":[1,1e999]}') })).toEqual(['/context/a/1'])
  })

  test('a context of a byte more than a MiB is TOO_LARGE', () => {
    const text = `{"a":"${'x'.repeat(LIMITS.contextBytesMax - 8)}"}`
    expect(submitted({ context: context(text) }).context).toHaveLength(LIMITS.contextBytesMax)
    expect(readSubmission(wire({ context: context(`${text} `) }))).toMatchObject({
      type: 'refused',
      fault: { code: 'TOO_LARGE', reason: 'CONTEXT_TOO_LARGE' },
    })
  })
})

test('what the engine finds wrong in a context is told with its place in the submission', () => {
  const fault = {
    code: 'INVALID_INPUT',
    reason: 'CONTEXT_INVALID',
    message: 'm',
    errors: [{ code: 'x', message: 'm', path: '/a' }],
  } as const
  expect(withContextPaths(fault).errors?.[0]?.path).toBe('/context/a')
  expect(withContextPaths({ code: 'NOT_FOUND', reason: 'X', message: 'm' })).toEqual({
    code: 'NOT_FOUND',
    reason: 'X',
    message: 'm',
  })
})
