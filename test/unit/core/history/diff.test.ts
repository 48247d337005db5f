/** Two tasks compared: where they parted, what each has that the other has not, and what is no difference. */
import { diffTasks, type JournalProposal, type LiveTask, type Plan, TaskDigest, type TaskDiff } from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  choose,
  complete,
  effect,
  fail,
  failure,
  functionPlan,
  permanently,
  plan,
  record,
  release,
  retryDue,
  signal,
  start,
  step,
  stop,
  submit,
  suspend,
  type Order,
} from '../../../support/given.js'
import { recordedOf } from './told.js'

const digestOf = (of: Plan, history: readonly Order[]): readonly [TaskDigest, LiveTask] => {
  const digest = new TaskDigest(of)
  for (const event of recordedOf(of, ...history)) digest.add(event)
  return [digest, digest.task ?? expect.fail()]
}

const compared = (of: Plan, first: readonly Order[], second: readonly Order[], other = of): TaskDiff => {
  const [[a, one], [b, two]] = [digestOf(of, first), digestOf(other, second)]
  return diffTasks(a, b, [one, two])
}

const diamond = plan(step('a'), step('b', { after: ['a'] }), step('c', { after: ['a'] }), step('d', { after: ['b', 'c'] }))
const done = (name: string, output = '{"n":1}', at = 0, worker = 'w1'): readonly Order[] => [
  start(name, { at, worker }),
  complete(name, output, { at: at + 5, worker }),
]
const all = [submit(), ...done('a'), ...done('b'), ...done('c'), ...done('d')]

describe('no difference is', () => {
  test('other times, other workers, and another order of steps that do not wait for each other', () => {
    const later = [
      submit({ at: 90 }),
      ...done('a', '{"n":1}', 100, 'w2'),
      ...done('c', '{"n":1}', 200, 'w3'),
      ...done('b', '{"n":1}', 300),
      ...done('d', '{"n":1}', 400),
    ]
    const diff = compared(diamond, all, later)
    expect(diff).toMatchObject({ same: true, firstDivergence: undefined, onlyIn: { a: [], b: [] }, cut: false })
    expect(diff.durationMs).toEqual({ a: 5, b: 315 })
  })

  test('the same content written in another way, and a start that never reached its worker', () => {
    const one = plan(step('a'))
    const first = [submit(), start('a'), complete('a', '{"x":1,"y":2}')]
    const again = [
      submit(),
      start('a'),
      release('a'),
      start('a', { attempt: 2 }),
      complete('a', '{ "y":2, "x":1.0 }', { attempt: 2 }),
    ]
    const diff = compared(one, first, again)
    expect(diff.firstDivergence).toBeUndefined()
    expect(diff.steps[0]).toMatchObject({ output: [], attempts: { a: 1, b: 2 } })
  })
})

describe('of durable functions', () => {
  const ended = (key: string, stack: string): JournalProposal => ({
    type: 'effect.recorded',
    kind: 'step',
    key,
    outcome: { type: 'failed', failure: failure('refused', { stack }) },
  })
  const began = [submit(), start('run')]

  test('which of two operations was first, where a failure happened, and how often the function was suspended is no difference', () => {
    const first = [...began, record([effect('a', '{"x":1,"y":2}'), ended('b', 'here')]), signal('go')]
    const slept = [start('run', { attempt: 2 }), record([effect('a', '{"y":2,"x":1}')], { attempt: 2 })]
    const other = [...began, record([ended('b', 'there')]), suspend(1), signal('go'), ...slept]
    expect(compared(functionPlan, first, other).firstDivergence).toBeUndefined()
  })

  test('another result is told as one of the task, by the name of its operation', () => {
    const divergence = compared(
      functionPlan,
      [...began, record([effect('a'), effect('b', '1')])],
      [...began, record([effect('b', '2'), effect('a')])],
    ).firstDivergence
    expect(divergence).toMatchObject({
      step: undefined,
      number: 1,
      events: {
        a: { type: 'effect.recorded', said: 'kind: "step", key: "b", outcome: "succeeded", result: 1' },
        b: { said: 'kind: "step", key: "b", outcome: "succeeded", result: 2' },
      },
    })
  })
})

test('the earliest place at which they parted is told with what each has there, and the output by its places', () => {
  const other = [submit(), ...done('a'), ...done('b', '{"n":2}'), ...done('c'), ...done('d', '{"n":7}')]
  const diff = compared(diamond, all, other)
  expect(diff.same).toBe(false)
  expect(diff.firstDivergence).toMatchObject({
    step: 'b',
    number: 1,
    events: { a: { type: 'step.completed', said: 'output: {"n":1}' }, b: { said: 'output: {"n":2}' } },
  })
  expect(
    diff.steps
      .filter(({ differs }) => differs)
      .map(({ step: name, output, sameInputOtherOutput }) => [name, output, sameInputOtherOutput]),
  ).toEqual([
    ['b', [{ path: '/n', before: { text: '1' }, after: { text: '2' } }], true],
    ['d', [{ path: '/n', before: { text: '1' }, after: { text: '7' } }], false],
  ])
})

test('another input is told, and then another output is no wonder', () => {
  const one = plan(step('a'))
  const diff = compared(
    one,
    [submit({ context: { n: 1, same: true } }), ...done('a')],
    [submit({ context: { n: 2, same: true } }), ...done('a', '{"n":3}')],
  )
  expect(diff.context).toEqual([
    { path: '/n', before: { text: '1', cutFrom: undefined }, after: { text: '2', cutFrom: undefined } },
  ])
  expect(diff.firstDivergence).toMatchObject({ step: undefined, number: 1, events: { a: { type: 'task.submitted' } } })
  expect(diff.steps[0]?.sameInputOtherOutput).toBe(false)
  expect(diff.result).toHaveLength(1)
})

test('retries, failures and times are told of each step', () => {
  const one = plan(step('a'))
  const smooth = [submit(), start('a', { at: 10 }), complete('a', '1', { at: 30 })]
  const rough = [
    submit(),
    start('a', { at: 10 }),
    fail('a', failure('no route'), { at: 20 }),
    retryDue('a', { at: 1_500 }),
    start('a', { attempt: 2, at: 1_600 }),
    complete('a', '1', { attempt: 2, at: 1_630 }),
  ]
  const diff = compared(one, smooth, rough)
  expect(diff.firstDivergence).toMatchObject({ step: 'a', events: { a: { type: 'step.completed' }, b: { type: 'step.failed' } } })
  expect(diff.steps).toMatchObject([
    {
      attempts: { a: 1, b: 2 },
      failure: { a: undefined, b: 'no route' },
      times: { a: { waitingMs: 10, runningMs: 20 }, b: { waitingMs: 1_590, runningMs: 40 } },
    },
  ])
})

test('a task that went on is different from one that did not', () => {
  const short = [submit(), ...done('a'), start('b'), fail('b', permanently)]
  const diff = compared(diamond, all, short)
  expect(diff.status).toEqual({ a: 'complete', b: 'steps_in_process' })
  expect(diff.firstDivergence).toMatchObject({ step: 'b', events: { a: { type: 'step.completed' }, b: { type: 'step.failed' } } })
  expect(compared(diamond, short, all.slice(0, 3)).firstDivergence).toMatchObject({
    step: 'b',
    events: { a: { type: 'step.failed' }, b: undefined },
  })
})

test('steps that only one of them has are named', () => {
  const branched = plan(step('d', { type: 'decision' }), step('x', { after: ['d'] }), step('y', { after: ['d'] }))
  const taken = (name: string) => branched.steps.flatMap((one) => (one.name === name ? [one.name] : []))
  const choosing = (name: string) => [submit(), start('d'), choose('d', { type: 'create_steps', names: taken(name) })]
  const diff = compared(branched, choosing('x'), choosing('y'))
  expect(diff.onlyIn).toEqual({ a: ['x'], b: ['y'] })
  expect(diff.firstDivergence).toMatchObject({ step: undefined, events: { a: { type: 'steps.created' } } })
  const smaller = compared(diamond, all, [submit(), ...done('a')], plan(step('a')))
  expect(smaller.onlyIn).toEqual({ a: ['b', 'c', 'd'], b: [] })
})

test('another template is a difference even where the runs are not', () => {
  const [one, other] = [plan(step('a')), { ...plan(step('a')) }]
  const diff = compared(one, [submit(), ...done('a')], [submit(), ...done('a')], {
    ...other,
    template: { ...other.template, version: '2.0.0' },
  })
  expect(diff).toMatchObject({ same: false, sameTemplate: false, template: { a: 'shop/order@1.0.0', b: 'shop/order@2.0.0' } })
})

test('large payloads and many changes are cut, and said so; a difference deep in them is still found', () => {
  const one = plan(step('a'), step('b'))
  const big = (n: number): string => JSON.stringify({ pad: 'x'.repeat(100_000), n })
  const diff = compared(one, [submit(), ...done('a', big(1))], [submit(), ...done('a', big(2))])
  expect(diff.firstDivergence?.events.a?.said.length).toBeLessThan(300)
  expect(diff.steps[0]?.output).toMatchObject([{ path: '/n' }])
  const list = (from: number): string => JSON.stringify(Array.from({ length: 500 }, (_, index) => from + index))
  const many = compared(
    one,
    [submit(), ...done('a', list(0)), ...done('b', '1')],
    [submit(), ...done('a', list(1)), ...done('b', '2')],
  )
  expect(many.steps.map(({ output }) => output.length)).toEqual([200, 1])
  expect([many.cut, many.same]).toEqual([true, false])
})

test('an attempt that its worker gave up is a difference', () => {
  const one = plan(step('a'))
  expect(compared(one, [submit(), start('a')], [submit(), start('a'), stop('a')]).firstDivergence).toMatchObject({
    step: 'a',
    events: { a: undefined },
  })
})
