/** Decisions and batches together with conditions, joins and failures that a task goes on after. */
import { notTakenSteps, trustedJson } from '@tasker/core'
import { expect, test } from 'vitest'
import {
  choose,
  complete,
  expression,
  fail,
  given,
  permanently,
  plan,
  start,
  step,
  submit,
  taskAfter,
  type Order,
  type StepOptions,
} from '../../../support/given.js'

const range = { id: '', start: trustedJson('0'), end: trustedJson('9'), size: 9 }
const split = (count: number): readonly Order[] => [
  submit(),
  start('split'),
  choose('split', { type: 'create_batches', ranges: Array.from({ length: count }, () => range) }),
]

const decision = (more: StepOptions['more']) =>
  plan(
    step('a'),
    step('route', { after: ['a'], type: 'decision', ...(more === undefined ? {} : { more }) }),
    step('left', { after: ['route'] }),
    step('end', { after: ['left'], type: 'deferred_convergence' }),
    step('last', { after: ['a'] }),
  )

test('a decision that is skipped by its condition has chosen nothing', () => {
  const of = decision({ when: expression('false') })
  given(of, submit(), start('a'))
    .when(complete('a'))
    .thenTold('step.completed a', 'step.skipped route', 'step.scheduled last', 'steps.created')
  const task = taskAfter(of, submit(), start('a'), complete('a'), start('last'), complete('last'))
  expect([task.phase, notTakenSteps(task)]).toEqual(['completed', ['left', 'end']])
})

test('a decision that failed where the task goes on has chosen nothing', () => {
  const of = decision({ onFailure: 'continue' })
  const done = [submit(), start('a'), complete('a'), start('last'), complete('last'), start('route')] as const
  given(of, ...done)
    .when(fail('route', permanently))
    .thenTold('step.failed route', 'steps.created', 'task.completed')
})

test('an analyzer that was skipped makes no workers, and what waits for them goes on', () => {
  const of = plan(
    step('a'),
    step('split', { after: ['a'], type: 'batchable', more: { when: expression('false') } }),
    step('part', { after: ['split'], type: 'batch_worker' }),
    step('sum', { after: ['part'] }),
  )
  given(of, submit(), start('a'))
    .when(complete('a'))
    .thenTold('step.completed a', 'step.skipped split', 'steps.created', 'step.scheduled sum')
})

test('workers are skipped by the condition of their template, as far as there is one', () => {
  const of = plan(
    step('split', { type: 'batchable' }),
    step('part', {
      after: ['split'],
      type: 'batch_worker',
      batch: { parallelism: 1 },
      more: { when: expression('deps.split != {}') },
    }),
    step('sum', { after: ['part'] }),
  )
  given(of, submit(), start('split'))
    .when(choose('split', { type: 'create_batches', ranges: [range, range] }))
    .thenTold('step.completed split', 'steps.created', 'step.skipped part_001', 'step.skipped part_002', 'step.scheduled sum')
})

test('a join of some workers runs when so many succeeded, and lets go of the others where it says so', () => {
  const of = plan(
    step('split', { type: 'batchable' }),
    step('part', { after: ['split'], type: 'batch_worker', batch: { parallelism: 2 } }),
    step('sum', { after: ['part'], more: { join: 2, cancelRemaining: true } }),
  )
  given(of, ...split(4), start('part_001'), complete('part_001'), start('part_002'))
    .when(complete('part_002'))
    .thenTold('step.completed part_002', 'step.scheduled sum', 'step.cancelled part_003', 'step.cancelled part_004')
})
