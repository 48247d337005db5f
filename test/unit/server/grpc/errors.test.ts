/** Everything that goes wrong becomes one status with its details, cut to what trailers hold. */
import { ErrorDetail } from '@tasker/proto'
import { status } from '@grpc/grpc-js'
import { Fault } from '@tasker/server/internal/faults'
import { callStatus, faultOf, refusalFault, statusOf } from '@tasker/server/internal/grpc/errors'
import { stepId } from '@tasker/core'
import { expect, test } from 'vitest'

const detailIn = (ended: ReturnType<typeof callStatus>): ErrorDetail => {
  const bytes = ended.metadata.get('tasker-error-bin')[0]
  return ErrorDetail.decode(bytes instanceof Buffer ? bytes : Buffer.alloc(0))
}

test('a lost lease is ABORTED, another conflict ALREADY_EXISTS', () => {
  const conflict = { code: 'CONFLICT', message: '' } as const
  expect([statusOf({ ...conflict, reason: 'LEASE_LOST' }), statusOf({ ...conflict, reason: 'DUPLICATE_TASK' })]).toEqual([
    status.ABORTED,
    status.ALREADY_EXISTS,
  ])
})

test('a refusal keeps its code, its reason and its step', () => {
  expect(refusalFault({ code: 'NOT_FOUND', reason: 'UNKNOWN_STEP', message: 'm', step: stepId('a') })).toEqual({
    code: 'NOT_FOUND',
    reason: 'UNKNOWN_STEP',
    message: 'm',
    context: { step_id: 'a' },
  })
})

test('a fault is told as it is, anything else is logged whole and told as INTERNAL_ERROR', () => {
  const logged: object[] = []
  const logger = { info: () => undefined, warn: () => undefined, error: (fields: object) => logged.push(fields) }
  const detail = { code: 'UNAVAILABLE', reason: 'X', message: 'm' } as const
  expect(faultOf(new Fault(detail), logger)).toBe(detail)
  const secret = new Error('password')
  expect(faultOf(secret, logger)).toMatchObject({ code: 'INTERNAL', reason: 'INTERNAL_ERROR' })
  expect(JSON.stringify(faultOf('thrown text', logger))).not.toContain('thrown text')
  expect(logged).toEqual([{ err: secret }, { err: 'thrown text' }])
})

test('of a thousand failing fields the trailers list the first and say how many there are', () => {
  const errors = Array.from({ length: 1_000 }, (_, index) => ({
    code: 'WRONG_TYPE',
    message: 'x'.repeat(300),
    path: `/steps/${index}`,
  }))
  const ended = callStatus({ code: 'INVALID_INPUT', reason: 'R', message: 'm'.repeat(10_000), errors })
  const detail = detailIn(ended)
  expect(detail.errors.length).toBeGreaterThan(5)
  expect(detail.errors[0]?.path).toBe('/steps/0')
  expect(detail.context).toEqual({ errors_total: '1000' })
  const bytes = ended.metadata.get('tasker-error-bin')[0]
  expect(bytes instanceof Buffer ? bytes.length : Infinity).toBeLessThan(8 * 1024)
})

test('a wait that was asked for is told to clients that know how to wait', () => {
  const ended = callStatus({ code: 'BACKPRESSURE', reason: 'R', message: 'm', retryAfterMs: 499.5 })
  expect(ended.metadata.get('grpc-retry-pushback-ms')).toEqual(['500'])
  expect(detailIn(ended).retryable).toBe(true)
})

test('half a surrogate pair in a message does not break the status', () => {
  const ended = callStatus({ code: 'INTERNAL', reason: 'R', message: `${'a'.repeat(1_023)}😀` })
  expect(() => encodeURI(ended.details)).not.toThrow()
  expect(ended.code).toBe(status.INTERNAL)
})
