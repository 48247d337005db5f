/** The audit of a step, from the history of a task in a whole engine. */
import { jsonOf, stepId } from '@tasker/core'
import { readStepAudit } from '@tasker/server/internal/operators/step-audit'
import { expect, test } from 'vitest'
import { startTestEngine, submissionOf } from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

const a = stepId('a')

test('every change of a step is told with its actor, its worker, how long it ran and what came of it', async () => {
  const test = await startTestEngine()
  await test.register('order', [
    { name: 'a', attempts: 2 },
    { name: 'b', after: ['a'] },
  ])
  const worker = test.worker()
  const taskId = await test.submitted(submissionOf(1))
  await test.clock.advance(40)
  worker.fail(worker.command('a'))
  await test.clock.advance(200)
  worker.complete(worker.command('a'), { total: 1 })
  await settled()
  const task = await test.soon(test.engine.read(taskId))
  if (task === undefined) throw new Error('the task is there')
  const { entries } = await test.soon(readStepAudit(test.engine, task, a, { afterVersion: 0, limit: 50 }))
  expect(entries.map(({ event, fromState, toState, success }) => [event, fromState, toState, success])).toEqual([
    ['steps.created', undefined, 'pending', undefined],
    ['step.scheduled', 'pending', 'enqueued', undefined],
    ['step.started', 'enqueued', 'in_progress', undefined],
    ['step.failed', 'in_progress', 'pending', false],
    ['step.retry_scheduled', 'pending', 'waiting_for_retry', undefined],
    ['step.scheduled', 'waiting_for_retry', 'enqueued', undefined],
    ['step.started', 'enqueued', 'in_progress', undefined],
    ['step.completed', 'in_progress', 'complete', true],
  ])
  expect(entries[3]).toMatchObject({
    actor: `worker:${worker.id}`,
    workerId: worker.id,
    attempt: 1,
    executionTimeMs: 40,
    failure: { message: 'no', errorType: 'Error' },
  })
  expect(entries[7]).toMatchObject({ attempt: 2, result: jsonOf({ total: 1 }), failure: undefined })
  await test.engine.stop()
})

test('what a person did to a step is told with reason, name, result and metadata; pages go on where the one before ended', async () => {
  const test = await startTestEngine()
  await test.register('order', [{ name: 'a' }, { name: 'b', after: ['a'] }])
  const taskId = await test.submitted(submissionOf(1))
  const done = await test.soon(
    test.engine.order(
      taskId,
      { type: 'complete_step', step: a, output: jsonOf(7), metadata: jsonOf({ ticket: 'T1' }), reason: 'verified', by: 'ops@x' },
      'someone',
    ),
  )
  expect(done.type).toBe('done')
  const task = await test.soon(test.engine.read(taskId))
  if (task === undefined) throw new Error('the task is there')
  const first = await test.soon(readStepAudit(test.engine, task, a, { afterVersion: 0, limit: 2 }))
  expect(first.entries.map(({ event }) => event)).toEqual(['steps.created', 'step.scheduled'])
  const rest = await test.soon(readStepAudit(test.engine, task, a, { afterVersion: first.nextAfterVersion ?? 0, limit: 2 }))
  expect(rest).toMatchObject({
    nextAfterVersion: undefined,
    entries: [
      {
        event: 'step.completed_manually',
        actor: 'someone',
        fromState: 'enqueued',
        toState: 'complete',
        success: true,
        result: '7',
        reason: 'verified',
        by: 'ops@x',
        metadata: '{"ticket":"T1"}',
        executionTimeMs: undefined,
        attempt: undefined,
      },
    ],
  })
  await test.engine.stop()
})
