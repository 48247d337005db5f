/** Tasks, rows, events and outcomes as the wire spells them. */
import { parseTaskId, stepId, taskRow, trustedJson, versionNumber, type TaskId } from '@tasker/core'
import { wireEvent, wireOutcome, wireRow, wireTask } from '@tasker/server/internal/grpc/task-message'
import { expect, test } from 'vitest'
import { at, checkpoint, choose, complete, fail, failure, plan, start, step, submit, taskAfter } from '../../../support/given.js'

const taskId = (): TaskId => {
  const id = parseTaskId('01JGZZZZZZ0000000000000001')
  if (id === undefined) throw new Error('the test has a bad task id')
  return id
}

const task = taskAfter(
  plan(step('a'), step('b', { after: ['a'] })),
  submit(),
  start('a'),
  complete('a', '{"x":1}'),
  start('b'),
  fail('b', failure('it broke', { code: 'E1', stack: 'at line 1' })),
)

test('a task shows its steps with outputs, failures and the next retry', () => {
  const wire = wireTask({ taskId: taskId(), version: 9, state: task })
  expect(wire).toMatchObject({
    status: 'waiting_for_retry',
    streamVersion: 9,
    createdAtMs: at(0),
    namespace: 'shop',
    correlationId: 'c-1',
  })
  expect(wire.steps).toMatchObject([
    { stepId: 'a', status: 'complete', attempts: 1, output: { data: Buffer.from('{"x":1}') }, nextRetryAtMs: 0, workerId: 'w1' },
    {
      stepId: 'b',
      status: 'waiting_for_retry',
      attempts: 1,
      lastFailure: { message: 'it broke', code: 'E1', stack: 'at line 1' },
    },
  ])
  expect(wire.steps[1]?.nextRetryAtMs).toBeGreaterThan(at(0))
})

test('a task shows the ranges of its workers, what they saved, and what was not taken', () => {
  const of = plan(
    step('split', { type: 'batchable' }),
    step('part', { after: ['split'], type: 'batch_worker' }),
    step('route', { after: ['part'], type: 'decision' }),
    step('never', { after: ['route'] }),
  )
  const range = { id: '', start: trustedJson('0'), end: trustedJson('9'), size: 9 }
  const history = [
    submit(),
    start('split'),
    choose('split', { type: 'create_batches', ranges: [range] }),
    start('part_001'),
    checkpoint('part_001', 1),
  ]
  const running = wireTask({ taskId: taskId(), version: 9, state: taskAfter(of, ...history) })
  expect(running.steps.map(({ stepId: name }) => name)).toEqual(['split', 'route', 'part_001'])
  expect(running.steps[2]).toMatchObject({
    type: 'batch_worker',
    batch: { id: '001', size: 9 },
    checkpoint: { itemsProcessed: 1 },
  })
  const chosen = [...history, complete('part_001'), start('route'), choose('route', { type: 'no_branches' })]
  expect(wireTask({ taskId: taskId(), version: 9, state: taskAfter(of, ...chosen) }).notTaken).toEqual(['never'])
})

test('a row shows the same task less context, outputs and stacks', () => {
  const whole = wireTask({ taskId: taskId(), version: 9, state: task })
  const row = wireRow(taskRow(taskId(), task, versionNumber(9)))
  expect(row).toMatchObject({ taskId: whole.taskId, status: whole.status, streamVersion: 9, context: undefined })
  expect(row.steps).toMatchObject([
    { stepId: 'a', status: 'complete', output: undefined, workerId: 'w1' },
    { stepId: 'b', nextRetryAtMs: whole.steps[1]?.nextRetryAtMs, lastFailure: { message: 'it broke', code: 'E1', stack: '' } },
  ])
})

test('an event carries its data as one JSON object', () => {
  const wire = wireEvent({
    version: versionNumber(4),
    at: at(5),
    event: { type: 'step.completed', step: stepId('a'), attempt: 1, output: trustedJson('{ "x": 1 }') },
    cause: { actor: 'worker:w1', command: 'complete' },
  })
  expect(wire).toMatchObject({ version: 4, type: 'step.completed', atMs: at(5), actor: 'worker:w1' })
  expect(wire.data?.data.toString()).toBe('{"step_id":"a","attempt":1,"output":{ "x": 1 }}')
})

test('each way a wait can end is told', () => {
  const ends = [
    wireOutcome('t', { type: 'completed', taskId: taskId(), result: trustedJson('{}') }),
    wireOutcome('t', { type: 'cancelled', taskId: taskId(), reason: undefined }),
    wireOutcome('t', { type: 'blocked', taskId: taskId(), steps: [{ step: stepId('b'), failure: failure() }] }),
    wireOutcome('t', { type: 'ended_in_failure', taskId: taskId(), code: 'GIVEN_UP', message: 'm' }),
    wireOutcome('t', { type: 'failed', fault: { code: 'NOT_FOUND', reason: 'TASK_NOT_FOUND', message: 'm' } }),
  ]
  expect(ends.map(({ outcome }) => outcome?.$case)).toEqual(['completed', 'cancelled', 'blocked', 'failed', 'error'])
  expect(ends[2]).toMatchObject({ outcome: { value: { steps: [{ stepId: 'b', failure: { message: 'it broke' } }] } } })
})
