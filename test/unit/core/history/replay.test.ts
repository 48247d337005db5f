/** Frames of a replay say what each event changed, with what was there before: so they lead forward and back. */
import { evolve, NO_TASK, replayFrame, type ReplayFrame, type RecordedTaskEvent, type Plan, type TaskState } from '@tasker/core'
import { expect, test } from 'vitest'
import { choose, complete, fail, failure, order, plan, retryDue, start, step, submit } from '../../../support/given.js'
import { recordedOf } from './told.js'

const framesOf = (of: Plan, recorded: readonly RecordedTaskEvent[]): readonly ReplayFrame[] => {
  let task: TaskState = NO_TASK
  return recorded.flatMap((one) => {
    const before = task
    task = evolve(before, one.event, one.at, of)
    return task.type === 'task' ? [replayFrame(before, one, task)] : []
  })
}

const two = plan(step('a'), step('b', { after: ['a'] }))

test('each frame tells the status of the task, and of the steps that changed, before and after', () => {
  const recorded = recordedOf(
    two,
    submit(),
    start('a'),
    fail('a', failure()),
    retryDue('a'),
    start('a', { attempt: 2, at: 2_000 }),
    complete('a', '{"n":1}', { attempt: 2, at: 3_000 }),
  )
  const lines = framesOf(two, recorded).map(({ version, type, statusBefore, status, changes }) =>
    [
      `${version} ${type} ${statusBefore ?? '-'} ${status}`,
      ...changes.map(({ step: name, from, to }) =>
        `${name} ${from?.status ?? '-'}#${from?.attempts ?? 0} ${to.status}#${to.attempts} ${to.output?.text ?? ''}`.trim(),
      ),
    ].join('; '),
  )
  expect(lines).toEqual([
    '1 task.submitted - waiting_for_dependencies',
    '2 steps.created waiting_for_dependencies waiting_for_dependencies; a -#0 pending#0; b -#0 pending#0',
    '3 step.scheduled waiting_for_dependencies pending; a pending#0 enqueued#1',
    '4 step.started pending steps_in_process; a enqueued#1 in_progress#1',
    '5 step.failed steps_in_process waiting_for_dependencies; a in_progress#1 pending#1',
    '6 step.retry_scheduled waiting_for_dependencies waiting_for_retry; a pending#1 waiting_for_retry#2',
    '7 step.scheduled waiting_for_retry steps_in_process; a waiting_for_retry#2 enqueued#2',
    '8 step.started steps_in_process steps_in_process; a enqueued#2 in_progress#2',
    '9 step.completed steps_in_process waiting_for_dependencies; a in_progress#2 complete#2 {"n":1}',
    '10 step.scheduled waiting_for_dependencies steps_in_process; b pending#0 enqueued#1',
  ])
})

test('what was before a frame is what was after the one before it, also where steps are added and orders are given', () => {
  const branched = plan(step('d', { type: 'decision' }), step('x', { after: ['d'] }), step('y', { after: ['d'] }))
  const { graph } = { graph: branched }
  const chosen = graph.steps.filter(({ name }) => name === 'x').map(({ name }) => name)
  const recorded = recordedOf(
    branched,
    submit(),
    order('pause'),
    order('resume', { at: 5 }),
    start('d', { at: 9 }),
    choose('d', { type: 'create_steps', names: chosen }, { at: 10 }),
  )
  const stands = new Map<string, string>()
  let status: string | undefined
  for (const frame of framesOf(branched, recorded)) {
    expect(frame.statusBefore).toBe(status)
    status = frame.status
    for (const { step: name, from, to } of frame.changes) {
      expect(from?.status).toBe(stands.get(name))
      stands.set(name, to.status)
    }
  }
  expect(stands).toEqual(
    new Map([
      ['d', 'complete'],
      ['x', 'enqueued'],
      ['y', 'not_taken'],
    ]),
  )
})

test('a long output is shown by its beginning', () => {
  const recorded = recordedOf(two, submit(), start('a'), complete('a', JSON.stringify('x'.repeat(9_000))))
  const output = framesOf(two, recorded).flatMap(({ changes }) =>
    changes.flatMap(({ to }) => (to.output === undefined ? [] : [to.output])),
  )
  expect(output).toEqual([{ text: `"${'x'.repeat(999)}`, cutFrom: 9_002 }])
})
