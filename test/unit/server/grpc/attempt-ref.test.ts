/** The key of what a worker says is taken only as the server itself spells it. */
import { attemptRef, canonicalUlid } from '@tasker/server/internal/grpc/attempt-ref'
import { expect, test } from 'vitest'

const ref = { taskId: '01JGZZZZZZ0000000000000001', stepId: 'a', attempt: 1 }

test('a whole key is read', () => {
  expect(attemptRef(ref)).toEqual({ type: 'ref', ref: { taskId: ref.taskId, step: 'a', attempt: 1 } })
})

test.each([
  [{ ...ref, taskId: ref.taskId.toLowerCase() }, 'upper case'],
  [{ ...ref, taskId: `8${ref.taskId.slice(1)}` }, 'task_id'],
  [{ ...ref, stepId: '' }, 'step_id'],
  [{ ...ref, stepId: 'x'.repeat(256) }, 'step_id'],
  [{ ...ref, attempt: 0 }, 'attempts'],
])('%o names no attempt', (wrong, word) => {
  const read = attemptRef(wrong)
  expect(read.type === 'nonsense' ? read.message : '').toContain(word)
})

test('a ULID in lower case is one, but not the spelling that is compared', () => {
  expect([canonicalUlid(ref.taskId), canonicalUlid(ref.taskId.toLowerCase()), canonicalUlid('')]).toEqual([true, false, false])
})
