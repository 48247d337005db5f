/** Results at the wall: recorded, failed for good, refused, or not even that. */
import { LIMITS } from '@tasker/core'
import type { BatchesMade, Checkpoint, DecisionMade, StepResult } from '@tasker/proto'
import { readResult } from '@tasker/server/internal/grpc/worker-result'
import { expect, test } from 'vitest'

const ref = { taskId: '01JGZZZZZZ0000000000000001', stepId: 'a', attempt: 3 }
const value = (text: string, encoding = '') =>
  ({ $case: 'success', value: { encoding, data: Buffer.from(text) }, events: [] }) as const

test('each kind of outcome is read', () => {
  const failed = { message: 'm', errorType: 'T', code: '', retryable: true, retryAfterMs: 0, stack: '' }
  const outcomes = [value('1'), { $case: 'failure', value: failed } as const, { $case: 'cancelled', value: {} } as const].map(
    (outcome) => {
      const read = readResult({ ref, outcome, metadata: undefined, events: [] })
      return read.type === 'result' ? read.result.outcome.type : read.type
    },
  )
  expect(outcomes).toEqual(['completed', 'failed', 'cancelled'])
})

test('a result in an encoding the server does not read fails its attempt for good, so that its slot is not held', () => {
  expect(readResult({ ref, outcome: value('1', 'binary/encrypted'), metadata: undefined, events: [] })).toMatchObject({
    type: 'result',
    result: { attempt: 3, outcome: { type: 'failed', failure: { code: 'ENCODING_NOT_SUPPORTED', retryable: false } } },
  })
})

const payload = (text: string) => ({ encoding: '', data: Buffer.from(text) })
const outcomeOf = (outcome: StepResult['outcome']) => {
  const read = readResult({ ref, outcome, metadata: undefined, events: [] })
  return read.type === 'result' ? read.result.outcome : read
}

test('a decision is read with its result; what it says nothing with fails its attempt for good', () => {
  const made = (choice: DecisionMade['choice'], output = payload('{"score":9}')) =>
    outcomeOf({ $case: 'decision', value: { output, choice } })
  expect(made({ $case: 'createSteps', value: { names: ['a', 'b'] } })).toEqual({
    type: 'completed',
    output: '{"score":9}',
    choice: { type: 'create_steps', names: ['a', 'b'] },
  })
  expect(made({ $case: 'noBranches', value: { reason: 'closed' } })).toMatchObject({
    choice: { type: 'no_branches', reason: 'closed' },
  })
  expect(made(undefined)).toMatchObject({ type: 'failed', failure: { code: 'BAD_DECISION', retryable: false } })
  expect(made({ $case: 'noBranches', value: { reason: '' } }, payload('{'))).toMatchObject({
    failure: { code: 'RESULT_NOT_JSON' },
  })
  expect(
    outcomeOf({ $case: 'decision', value: { output: undefined, choice: { $case: 'noBranches', value: { reason: '' } } } }),
  ).toEqual({
    type: 'completed',
    output: 'null',
    choice: { type: 'no_branches' },
  })
})

test('the ranges of a batch are read as JSON of any kind; what is none fails the attempt for good', () => {
  const made = (choice: BatchesMade['choice']) => outcomeOf({ $case: 'batches', value: { output: payload('1'), choice } })
  const of = (start: string) =>
    made({
      $case: 'createBatches',
      value: { totalItems: 7, ranges: [{ id: 'n', start: payload(start), end: undefined, size: 7 }] },
    })
  expect(of('{"page": 1}')).toEqual({
    type: 'completed',
    output: '1',
    choice: { type: 'create_batches', ranges: [{ id: 'n', start: '{"page": 1}', end: 'null', size: 7 }], totalItems: 7 },
  })
  expect(of('{')).toMatchObject({ failure: { code: 'BAD_BATCHES', retryable: false } })
  expect(of(`"${'x'.repeat(LIMITS.batchCursorsBytesMax)}"`)).toMatchObject({ failure: { code: 'BAD_BATCHES' } })
  expect(made({ $case: 'noBatches', value: { reason: '' } })).toMatchObject({ choice: { type: 'no_batches' } })
  expect(made(undefined)).toMatchObject({ failure: { code: 'BAD_BATCHES' } })
})

test('a checkpoint is read with its number; one that cannot be saved is refused, and ends nothing', () => {
  const saved = (more: Partial<Checkpoint>) =>
    outcomeOf({
      $case: 'checkpoint',
      value: { number: 1, cursor: payload('[7]'), itemsProcessed: 70, accumulated: undefined, ...more },
    })
  expect(saved({})).toEqual({ type: 'checkpoint', number: 1, cursor: '[7]', itemsProcessed: 70 })
  expect(saved({ accumulated: payload('{"sum":1}') })).toMatchObject({ accumulated: '{"sum":1}' })
  expect(saved({ number: 0 })).toMatchObject({ type: 'refused', reason: 'CHECKPOINT_NOT_READ' })
  expect(saved({ cursor: payload('{') })).toMatchObject({ type: 'refused', reason: 'CHECKPOINT_NOT_READ' })
  expect(saved({ accumulated: payload('{') })).toMatchObject({ type: 'refused', reason: 'CHECKPOINT_NOT_READ' })
  const large = payload(`"${'x'.repeat(LIMITS.checkpointBytesMax)}"`)
  expect(saved({ cursor: large })).toMatchObject({ type: 'refused', reason: 'CHECKPOINT_TOO_LARGE' })
})

test('a result without an outcome is refused, one without a key is keyless', () => {
  expect(readResult({ ref, outcome: undefined, metadata: undefined, events: [] })).toMatchObject({
    type: 'refused',
    reason: 'RESULT_WITHOUT_OUTCOME',
  })
  expect(readResult({ ref: undefined, outcome: value('1'), metadata: undefined, events: [] })).toEqual({ type: 'keyless' })
})

test('metadata is read beside a result and a failure; what cannot be kept fails a result for good, and a failure says so', () => {
  const failed = { message: 'busy', errorType: 'T', code: '', retryable: true, retryAfterMs: 0, stack: '' }
  const withMetadata = (outcome: StepResult['outcome'], text: string, encoding = '') => {
    const read = readResult({ ref, outcome, metadata: { encoding, data: Buffer.from(text) }, events: [] })
    return read.type === 'result' ? read.result.outcome : read
  }
  const failure = { $case: 'failure', value: failed } as const
  expect(withMetadata(value('1'), '{"b":1,"a":2}')).toEqual({ type: 'completed', output: '1', metadata: '{"b":1,"a":2}' })
  expect(withMetadata(failure, '{"host":"x"}')).toMatchObject({ type: 'failed', metadata: '{"host":"x"}' })
  const large = `"${'x'.repeat(LIMITS.metadataBytesMax)}"`
  expect(withMetadata(value('1'), large)).toMatchObject({ failure: { code: 'RESULT_TOO_LARGE', retryable: false } })
  expect(withMetadata(value('1'), '{')).toMatchObject({ failure: { code: 'RESULT_NOT_JSON' } })
  expect(withMetadata(value('1'), '1', 'x')).toMatchObject({ failure: { code: 'ENCODING_NOT_SUPPORTED' } })
  const kept = withMetadata(failure, '{')
  expect(kept).toMatchObject({
    type: 'failed',
    failure: { retryable: true, message: expect.stringMatching(/^busy \(not kept: /) as string },
  })
  expect(kept).not.toHaveProperty('metadata')
  expect(withMetadata({ $case: 'cancelled', value: {} }, '1')).toEqual({ type: 'cancelled' })
})
