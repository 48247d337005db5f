/** Chains of reasons, what holds a task as a whole, and what a person can type. */
import { explainTask, type Offering, type StepExplanation, type Surroundings, taskIdFrom, type Plan } from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  at,
  cancel,
  expression,
  fail,
  failure,
  keyOf,
  order,
  permanently,
  plan,
  start,
  step,
  submit,
  taskAfter,
  type Order,
} from '../../../support/given.js'

const TASK = taskIdFrom(0, new Uint8Array(10))
const OTHER = taskIdFrom(1, new Uint8Array(10))
const IDLE: Offering = { workers: 1, slots: 2, busy: 0 }
const ALONE: Surroundings = { unservedSince: () => undefined, offering: () => IDLE, keyLine: () => undefined }

const explained = (of: Plan, history: readonly Order[], around: Surroundings | undefined = ALONE) =>
  explainTask(TASK, taskAfter(of, ...history), around)

const stepOf = (name: string, ...args: Parameters<typeof explained>): StepExplanation | undefined =>
  explained(...args).steps.find((told) => told.step === name)

const line = (...names: readonly string[]): Plan =>
  plan(...names.map((name, index) => step(name, index === 0 ? {} : { after: [names[index - 1] ?? ''] })))

describe('a chain of reasons', () => {
  test('goes down to the attempt that runs', () => {
    const told = stepOf('d', line('a', 'b', 'c', 'd'), [submit(), start('a')])
    expect(told?.chain.map(({ step: name, status, reason }) => `${name} ${status} ${reason}`)).toEqual([
      'c pending dependencies',
      'b pending dependencies',
      'a in_progress running',
    ])
    expect(told?.chain[2]?.why).toMatch(
      /^Attempt 1 runs at worker .+ since 2026-01-01T00:00:00.000Z, until 2026-01-01T00:01:00.000Z/,
    )
    expect([told?.rootCauses, told?.chainCut]).toEqual([['a'], false])
  })

  test('tells of a step once, however many ways lead to it', () => {
    const diamond = plan(step('a'), step('b', { after: ['a'] }), step('c', { after: ['a'] }), step('d', { after: ['b', 'c'] }))
    const told = stepOf('d', diamond, [submit(), start('a'), fail('a', permanently)])
    expect(told?.chain.map(({ step: name, reason }) => `${name} ${reason}`)).toEqual([
      'b dependencies',
      'c dependencies',
      'a failed',
    ])
    expect(told?.rootCauses).toEqual(['a'])
  })

  test('is cut where it is too long, and all of them together are', () => {
    const names = Array.from({ length: 300 }, (_, index) => `s${index}`)
    const { steps } = explained(line(...names), [submit()])
    const last = steps.at(-1)
    expect([last?.chain.length, last?.chainCut]).toEqual([0, true])
    expect([steps[30]?.chain.length, steps[30]?.chainCut]).toEqual([20, true])
    expect(steps.reduce((sum, { chain }) => sum + chain.length, 0)).toBe(2_000)
  })
})

describe('a retry', () => {
  test('says which attempt failed, of how many, and when the next may start', () => {
    const told = stepOf('a', plan(step('a', { retry: { maxAttempts: 4 } })), [
      submit(),
      start('a'),
      fail('a', failure('no route')),
    ])
    expect(told?.why).toBe('Its last attempt failed, 1 of 4: no route')
    expect(told?.until).toBeGreaterThan(at(0))
    expect(told?.unblockedBy).toContain('Time: the next attempt may start at 2026-01-01T00:00:0')
  })

  test('waits for the resume too, where the task is paused', () => {
    const history = [submit(), start('a'), fail('a', failure()), order('pause', { by: 'ann', reason: 'release' })]
    const told = explained(plan(step('a')), history)
    expect(told.steps[0]?.unblockedBy).toContain('it waits for the resume too')
    expect(told.reasons).toMatchObject([
      {
        reason: 'paused',
        why: 'The task is paused since 2026-01-01T00:00:00.000Z by ann: release',
        commands: [`tasker task resume ${TASK}`],
      },
    ])
  })
})

describe('a ready step', () => {
  const one = plan(step('a'))
  const whyWith = (offering: Offering) => stepOf('a', one, [submit()], { ...ALONE, offering: () => offering })?.why

  test('waits for a worker that offers its handler, or for one with a free slot', () => {
    expect(whyWith({ workers: 0, slots: 0, busy: 0 })).toBe('It is ready, and no connected worker offers Handlers.a.')
    expect(whyWith({ workers: 2, slots: 8, busy: 8 })).toBe(
      'It is ready, and all 8 slots of the 2 workers that offer Handlers.a are busy.',
    )
    expect(whyWith({ workers: 2, slots: 8, busy: 7 })).toBe('It is ready, and no worker has taken it yet.')
  })

  test('waits for the task that has the place of its key, and for the time at which a rate has one again', () => {
    const holder = {
      taskId: OTHER,
      step: taskAfter(one, submit()).graph.steps[0]?.name ?? expect.fail(),
      attempt: 2,
      since: at(0),
    }
    const seen = (freeAt: ReturnType<typeof at> | undefined): Surroundings => ({
      ...ALONE,
      keyLine: () => ({ held: 3, ahead: 1, holders: [{ ...holder, freeAt }] }),
    })
    const busy = stepOf('a', plan(step('a', { keys: [keyOf('concurrency', 'eu', 3)] })), [submit()], seen(undefined))
    expect(busy?.why).toBe(
      `It waits for a place of the concurrency key eu, which has 3; 3 are taken (by task ${OTHER}, step a, attempt 2 and 2 more), and 1 go before it.`,
    )
    expect(busy?.heldBy).toEqual([{ ...holder, freeAt: undefined }])
    const rated = stepOf('a', plan(step('a', { keys: [keyOf('rate', 'mail', 3, 60_000)] })), [submit()], seen(at(5_000)))
    expect(rated).toMatchObject({
      until: at(5_000),
      unblockedBy: 'A place that becomes free: the first at 2026-01-01T00:00:05.000Z.',
    })
  })
})

test('a condition that is false shows what it read', () => {
  const of = plan(
    step('a', { more: { when: expression(`context.total > 10 && context['vip'] == true && has(context.gone)`) } }),
    step('b', { after: ['a'] }),
  )
  const told = stepOf('a', of, [submit({ context: { total: 3, vip: false } })])
  expect(told?.why).toContain('(context.total is 3, context.vip is false, context.gone is not there)')
  expect(told?.inputs).toEqual([
    { path: 'context.total', value: { text: '3', cutFrom: undefined } },
    { path: 'context.vip', value: { text: 'false', cutFrom: undefined } },
    { path: 'context.gone', value: undefined },
  ])
})

test('loops, lists and long values of a condition are shown as far as they are read', () => {
  const when = expression(`context.items.exists(context, context.open) || context.items[1].open || size(context.note) < 3`)
  const items = [{ open: false }, { open: false }]
  const told = stepOf('a', plan(step('a', { more: { when } }), step('b')), [
    submit({ context: { items, note: 'x'.repeat(5_000) } }),
  ])
  expect(told?.inputs.map(({ path, value }) => [path, value?.text.length, value?.cutFrom])).toEqual([
    ['context.items', 31, undefined],
    ['context.items[1].open', 5, undefined],
    ['context.note', 1_000, 5_002],
  ])
})

describe('what a person can type', () => {
  test('is what the decider would accept', () => {
    const of = plan(step('a'), step('it is odd', { after: ['a'] }), step('c'))
    const failedWhileOthersRun = explained(of, [submit(), start('a'), fail('a', permanently)])
    expect(failedWhileOthersRun.reasons).toEqual([])
    expect(failedWhileOthersRun.steps[0]?.commands).toEqual([
      `tasker step reset ${TASK} a`,
      `tasker step complete ${TASK} a --result JSON`,
      `tasker step resolve ${TASK} a`,
    ])
    const blocked = explained(plan(step(`it's odd`)), [submit(), start(`it's odd`), fail(`it's odd`, permanently)])
    expect(blocked.reasons).toMatchObject([
      {
        reason: 'blocked',
        commands: [`tasker task retry ${TASK}`, `tasker task resolve ${TASK}`, `tasker task cancel ${TASK}`],
      },
      { reason: 'dead_letter', commands: [`tasker dlq get ${TASK}-1`] },
    ])
    expect(blocked.steps[0]?.commands[0]).toBe(`tasker step reset ${TASK} 'it'\\''s odd'`)
  })

  test('is nothing as of a moment of the past, where nobody knows what was around the task', () => {
    const past = explainTask(TASK, taskAfter(plan(step('a'), step('b')), submit(), start('a'), fail('a', permanently)), undefined)
    expect(past.steps.map(({ commands }) => commands)).toEqual([[], []])
    expect(past.steps[1]?.why).toBe('It is ready for Handlers.b; which workers were there then is not in the log of the task.')
    const keyed = explainTask(TASK, taskAfter(plan(step('a', { keys: [keyOf('concurrency', 'eu')] })), submit()), undefined)
    expect(keyed.steps[0]?.why).toContain('who had its places then is not in the log of the task')
    const paused = explainTask(TASK, taskAfter(plan(step('a')), submit(), order('pause')), undefined)
    expect(paused.reasons).toMatchObject([{ reason: 'paused', commands: [] }])
  })
})

test('a task that is cancelled says how long its running steps have', () => {
  const branched = plan(step('d', { type: 'decision' }), step('x', { after: ['d'] }))
  for (const of of [line('a', 'b'), branched]) {
    const { status, reasons, steps } = explained(of, [submit(), start(of === branched ? 'd' : 'a'), cancel('customer left')])
    expect([status, steps]).toEqual(['cancelling', []])
    expect(reasons).toMatchObject([{ reason: 'cancelling', until: at(10_000) }])
    expect(reasons[0]?.why).toContain('customer left')
  }
})

test('a task that waits for its start says until when', () => {
  expect(explained(plan(step('a')), [submit({ runAt: at(60_000) })]).reasons).toMatchObject([
    { reason: 'start_time', until: at(60_000) },
  ])
})
