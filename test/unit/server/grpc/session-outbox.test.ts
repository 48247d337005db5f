/** What a session is sent: one message a burst, split by size, bounded when its client does not read. */
import { LIMITS, parseTaskId, trustedJson, type TaskId } from '@tasker/core'
import type { SessionResponse } from '@tasker/proto'
import { sessionOutbox, type SessionOutboxDeps } from '@tasker/server/internal/grpc/session-outbox'
import { expect, test } from 'vitest'

const taskId = (): TaskId => {
  const id = parseTaskId('01JGZZZZZZ0000000000000001')
  if (id === undefined) throw new Error('the test has a bad task id')
  return id
}
const completed = (chars: number) =>
  ({ type: 'completed', taskId: taskId(), result: trustedJson(JSON.stringify('x'.repeat(chars - 2))) }) as const
const answer = (requestId: string) => ({ requestId, taskId: '', existing: false, consistencyToken: '', error: undefined })
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const outboxWith = (more: Partial<SessionOutboxDeps> = {}) => {
  const sent: SessionResponse[] = []
  const said: string[] = []
  const transport = { flows: true }
  const outbox = sessionOutbox({
    write: (message) => {
      sent.push(message)
      return transport.flows
    },
    overflowed: () => said.push('overflowed'),
    emptied: () => said.push('emptied'),
    bytesMax: 10_000,
    messageBytesTarget: 1_000,
    ...more,
  })
  return { outbox, sent, said, transport }
}

test('the answers and outcomes of one turn leave together, and then nothing waits', async () => {
  const { outbox, sent, said } = outboxWith()
  outbox.submitted(answer('1'))
  outbox.outcome('t', completed(10))
  outbox.submitted(answer('2'))
  expect([sent.length, outbox.empty]).toEqual([0, false])
  await nextTurn()
  expect(sent.map(({ submitted, outcomes }) => [submitted.length, outcomes.length])).toEqual([[2, 1]])
  expect([outbox.empty, said]).toEqual([true, ['emptied']])
})

test('outcomes that fill a message go on in the next, in order', async () => {
  const { outbox, sent } = outboxWith()
  for (const name of ['1', '2', '3']) outbox.outcome(name, completed(600))
  await nextTurn()
  expect(sent.map(({ outcomes }) => outcomes.map((outcome) => outcome.taskId))).toEqual([['1', '2'], ['3']])
})

test('a full transport is given nothing until it drains', async () => {
  const { outbox, sent, transport } = outboxWith()
  transport.flows = false
  outbox.submitted(answer('1'))
  await nextTurn()
  outbox.submitted(answer('2'))
  await nextTurn()
  expect([sent.length, outbox.flowing]).toEqual([1, false])
  transport.flows = true
  outbox.drained()
  expect([sent.length, outbox.flowing]).toEqual([2, true])
})

test('outcomes for a client that does not read end its stream at the bound, once', async () => {
  const { outbox, sent, said, transport } = outboxWith()
  transport.flows = false
  outbox.submitted(answer('1'))
  await nextTurn()
  for (let i = 0; i < 10; i++) outbox.outcome('t', completed(1_000))
  expect(said).toEqual(['emptied'])
  for (let i = 0; i < 3; i++) outbox.outcome('t', completed(1_000))
  outbox.drained()
  await nextTurn()
  expect([said, sent.length]).toEqual([['emptied', 'overflowed'], 1])
})

test('a result that no message can hold is answered with where to read it', async () => {
  const { outbox, sent } = outboxWith({ bytesMax: 2 * LIMITS.grpcMessageBytesMax })
  outbox.outcome('t', completed(LIMITS.grpcMessageBytesMax))
  await nextTurn()
  expect(sent[0]?.outcomes[0]).toMatchObject({ taskId: 't', outcome: { $case: 'error', value: { reason: 'OUTCOME_TOO_LARGE' } } })
})
