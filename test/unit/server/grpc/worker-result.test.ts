/** Results at the wall: recorded, failed for good, refused, or not even that. */
import { readResult } from '@tasker/server/internal/grpc/worker-result'
import { expect, test } from 'vitest'

const ref = { taskId: '01JGZZZZZZ0000000000000001', stepId: 'a', attempt: 3 }
const value = (text: string, encoding = '') => ({ $case: 'success', value: { encoding, data: Buffer.from(text) } }) as const

test('each kind of outcome is read', () => {
  const failed = { message: 'm', errorType: 'T', code: '', retryable: true, retryAfterMs: 0, stack: '' }
  const outcomes = [value('1'), { $case: 'failure', value: failed } as const, { $case: 'cancelled', value: {} } as const].map(
    (outcome) => {
      const read = readResult({ ref, outcome })
      return read.type === 'result' ? read.result.outcome.type : read.type
    },
  )
  expect(outcomes).toEqual(['completed', 'failed', 'cancelled'])
})

test('a result in an encoding the server does not read fails its attempt for good, so that its slot is not held', () => {
  expect(readResult({ ref, outcome: value('1', 'binary/encrypted') })).toMatchObject({
    type: 'result',
    result: { attempt: 3, outcome: { type: 'failed', failure: { code: 'ENCODING_NOT_SUPPORTED', retryable: false } } },
  })
})

test('an outcome of another kind of step fails its attempt for good, and a checkpoint nobody asked for is refused', () => {
  const output = { encoding: '', data: Buffer.from('1') }
  const decision = { $case: 'decision', value: { output, choice: undefined } } as const
  const failed = { type: 'failed', failure: { code: 'OUTCOME_NOT_EXPECTED', retryable: false } }
  expect(readResult({ ref, outcome: decision })).toMatchObject({ type: 'result', result: { outcome: failed } })
  const checkpoint = {
    $case: 'checkpoint',
    value: { number: 1, cursor: output, itemsProcessed: 1, accumulated: undefined },
  } as const
  expect(readResult({ ref, outcome: checkpoint })).toMatchObject({ type: 'refused', reason: 'OUTCOME_NOT_EXPECTED' })
})

test('a result without an outcome is refused, one without a key is keyless', () => {
  expect(readResult({ ref, outcome: undefined })).toMatchObject({ type: 'refused', reason: 'RESULT_WITHOUT_OUTCOME' })
  expect(readResult({ ref: undefined, outcome: value('1') })).toEqual({ type: 'keyless' })
})
