/** Where two runs part and in what they differ; and what is no difference. */
import {
  diffTasks,
  LIMITS,
  type Plan,
  type RecordedTaskEvent,
  type Run,
  taskIdFrom,
  type TaskDiff,
  versionNumber,
} from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  complete,
  completeByHand,
  fail,
  failure,
  order,
  permanently,
  plan,
  retryDue,
  start,
  stateAfter,
  step,
  submit,
  type Order,
} from '../../../support/given.js'

const diamond = plan(step('a'), step('b', { after: ['a'] }), step('c', { after: ['a'] }), step('d', { after: ['b', 'c'] }))

let runs = 0

const run = (of: Plan, ...orders: readonly Order[]): Run => {
  const history: RecordedTaskEvent[] = []
  const state = stateAfter(of, orders, (event, when) =>
    history.push({ version: versionNumber(history.length + 1), at: when, event, cause: { actor: 'test', command: 'test' } }),
  )
  if (state.type !== 'task') throw new Error('a run begins with a submission')
  runs++
  return { taskId: taskIdFrom(at(runs), new Uint8Array(10)), state, history }
}

const done = (name: string, output = '{}', when = 0): readonly Order[] => [
  start(name, { at: when }),
  complete(name, output, { at: when + 10 }),
]

const parting = ({ divergence }: TaskDiff): string | undefined =>
  divergence && `${divergence.step ?? 'task'}: ${divergence.a?.type ?? '-'} / ${divergence.b?.type ?? '-'}`

describe('is no difference', () => {
  const first = run(diamond, submit(), ...done('a'), ...done('b'), ...done('c'), ...done('d'))

  test('the order of steps beside each other, times, workers and how a payload is written', () => {
    const other = run(
      diamond,
      submit(),
      start('a', { worker: 'w-2', at: 500 }),
      complete('a', '{ }', { worker: 'w-2', at: 900 }),
      ...done('c', '{}', 1_000),
      ...done('b', '{}', 2_000),
      ...done('d', '{}', 3_000),
    )
    const found = diffTasks(first, other)
    expect(found).toMatchObject({ same: true, divergence: undefined, steps: [], input: [], isCut: false })
    expect(found.tookMs).toEqual({ a: 10, b: 3_010 })
    expect(found.times.find((each) => each.step === 'c')).toEqual({
      step: 'c',
      startedAfterMs: { a: 0, b: 1_000 },
      tookMs: { a: 10, b: 10 },
    })
  })

  test('a pause', () => {
    const paused = run(diamond, submit(), order('pause'), order('resume'), ...done('a'), ...done('b'), ...done('c'), ...done('d'))
    expect(diffTasks(first, paused).same).toBe(true)
  })
})

describe('two runs part', () => {
  test('where one step gave something else, and the places of its output are named', () => {
    const left = run(plan(step('a')), submit(), ...done('a', '{"total":1,"items":[{"id":1},{"id":2}],"left":true}'))
    const right = run(plan(step('a')), submit(), ...done('a', '{"total":2,"items":[{"id":1},{"id":3},4]}'))
    const found = diffTasks(left, right)
    expect([found.same, parting(found)]).toEqual([false, 'a: step.completed / step.completed'])
    expect(found.steps).toEqual([
      {
        step: 'a',
        status: undefined,
        attempts: undefined,
        failure: undefined,
        output: [
          { path: '/total', a: '1', b: '2' },
          { path: '/items/1/id', a: '2', b: '3' },
          { path: '/items/2', a: undefined, b: '4' },
          { path: '/left', a: 'true', b: undefined },
        ],
      },
    ])
  })

  test('where one needed another attempt, and where one failed for good', () => {
    const smooth = run(plan(step('a')), submit(), ...done('a'))
    const again = run(
      plan(step('a')),
      submit(),
      start('a'),
      fail('a', failure()),
      retryDue('a', { at: 60_000, attempt: 2 }),
      start('a', { attempt: 2, at: 60_000 }),
      complete('a', '{}', { attempt: 2, at: 60_000 }),
    )
    const retried = diffTasks(smooth, again)
    expect(parting(retried)).toBe('a: step.completed / step.failed')
    expect(retried.steps).toMatchObject([{ step: 'a', attempts: { a: 1, b: 2 }, failure: { a: undefined, b: 'it broke' } }])
    const blocked = diffTasks(smooth, run(plan(step('a')), submit(), start('a'), fail('a', permanently)))
    expect(blocked.status).toEqual({ a: 'complete', b: 'blocked_by_failures' })
    expect(blocked.steps).toMatchObject([{ status: { a: 'complete', b: 'error' } }])
  })

  test('where one ends earlier', () => {
    const found = diffTasks(run(diamond, submit(), ...done('a')), run(diamond, submit(), ...done('a'), ...done('b')))
    expect(parting(found)).toBe('b: - / step.started')
  })

  test('where a person gave a result', () => {
    const failed = [submit(), start('a'), fail('a', permanently)]
    const helped = run(plan(step('a')), ...failed, completeByHand('a', '{}'))
    const found = diffTasks(run(plan(step('a')), ...failed, order('retry'), start('a', { attempt: 2 })), helped)
    expect(parting(found)).toBe('task: task.retried / task.completed')
  })

  test('at their input and their template, with steps that only one has', () => {
    const left = run(plan(step('a'), step('x')), submit({ context: '{"order":"A-1"}' }))
    const right = run(plan(step('a'), step('y')), submit({ context: '{"order":"A-2"}' }))
    const found = diffTasks(left, right)
    expect(parting(found)).toBe('task: task.submitted / task.submitted')
    expect(found.input).toEqual([{ path: '/order', a: '"A-1"', b: '"A-2"' }])
    expect([found.onlyInA, found.onlyInB]).toEqual([['x'], ['y']])
  })
})

test('a long difference is cut, and says so', () => {
  const many = (value: number): string => JSON.stringify(Array.from({ length: LIMITS.diffChangesMax + 1 }, () => value))
  const found = diffTasks(
    run(plan(step('a')), submit(), ...done('a', many(1))),
    run(plan(step('a')), submit(), ...done('a', many(2))),
  )
  expect([found.steps[0]?.output.length, found.isCut]).toEqual([LIMITS.diffChangesMax, true])
  const long = JSON.stringify('x'.repeat(LIMITS.diffValueCharsMax))
  const { steps } = diffTasks(
    run(plan(step('a')), submit(), ...done('a', long)),
    run(plan(step('a')), submit(), ...done('a', '1')),
  )
  expect(steps[0]?.output).toEqual([{ path: '', a: `${long.slice(0, LIMITS.diffValueCharsMax)}…`, b: '1' }])
})
