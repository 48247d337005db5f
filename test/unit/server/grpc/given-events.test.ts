import { LIMITS } from '@tasker/core'
import { givenEvents } from '@tasker/server/internal/grpc/given-events'
import { expect, test } from 'vitest'

const payload = (text: string, encoding = '') => ({ encoding, data: Buffer.from(text) })
const event = (more: object = {}) => ({
  name: 'a',
  payload: undefined,
  metadata: undefined,
  withheld: false,
  problem: '',
  ...more,
})

test('a payload and metadata are kept byte for byte', () => {
  expect(givenEvents([event({ payload: payload('{"n": 1.50}'), metadata: payload(' {"by":1}'), withheld: true })])).toEqual([
    { name: 'a', payload: '{"n": 1.50}', metadata: ' {"by":1}', withheld: true, problems: [] },
  ])
  expect(givenEvents([])).toEqual([])
})

test.each([
  [{ payload: payload('{') }, 'NOT_JSON'],
  [{ payload: payload('{"a":1,"a":2}') }, 'NOT_JSON'],
  [{ payload: payload('1', 'binary/encrypted') }, 'ENCODING_NOT_SUPPORTED'],
  [{ payload: payload('1'.repeat(LIMITS.domainEventBytesMax + 1)) }, 'TOO_LARGE'],
  [{ metadata: payload('[]') }, 'WRONG_TYPE'],
  [{ metadata: payload(`"${'x'.repeat(LIMITS.domainEventMetadataBytesMax)}"`) }, 'TOO_LARGE'],
  [{ problem: 'no publisher' }, 'PUBLISHER_FAILED'],
])('what cannot be kept is a problem of the event: %j', (more, code) => {
  const [given] = givenEvents([event(more)])
  expect(given?.problems.map((problem) => problem.code)).toEqual([code])
  expect(given?.metadata).toBeUndefined()
  expect(given?.payload).toBeUndefined()
})
