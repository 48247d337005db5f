/** Decisions and what they open, batches and their workers, checkpoints: histories, orders and news. */
import {
  decide,
  LIMITS,
  notTakenSteps,
  stepId,
  taskResult,
  trustedJson,
  type BatchRange,
  type FailureStrategy,
  type LiveTask,
  type Plan,
} from '@tasker/core'
import { describe, expect, test } from 'vitest'
import {
  applied,
  at,
  cancel,
  checkpoint,
  choose,
  complete,
  fail,
  failure,
  given,
  permanently,
  plan,
  start,
  step,
  stop,
  submit,
  taskAfter,
  timeOut,
  type Order,
} from '../../../support/given.js'

const names = (...list: readonly string[]) => list.map(stepId)
const run = (name: string): readonly Order[] => [start(name), complete(name)]

/** check → route → (fast | careful → sign) → done, and a log that waits for nobody behind the decision. */
const order = plan(
  step('check'),
  step('route', { after: ['check'], type: 'decision' }),
  step('fast', { after: ['route'] }),
  step('careful', { after: ['route'] }),
  step('sign', { after: ['careful'] }),
  step('done', { after: ['fast', 'sign'], type: 'deferred_convergence' }),
)
const atRoute = [submit(), ...run('check'), start('route')] as const

describe('a decision', () => {
  test('nothing behind it exists before it is made', () => {
    const task = taskAfter(order, submit())
    expect(task.steps.map(({ status }) => status)).toEqual([
      'enqueued',
      'pending',
      ...Array.from({ length: 4 }, () => 'uncreated'),
    ])
  })

  test('opens what it chose and what lies behind that, in one commit; the rest is not taken', () => {
    given(order, ...atRoute)
      .when(choose('route', { type: 'create_steps', names: ['careful'] }))
      .then(
        { type: 'step.completed', step: stepId('route'), attempt: 1, output: trustedJson('{}') },
        {
          type: 'steps.created',
          segment: 'decision',
          decision: stepId('route'),
          chosen: names('careful'),
          steps: names('careful', 'sign', 'done'),
          notTaken: names('fast'),
        },
        { type: 'step.scheduled', step: stepId('careful'), attempt: 1 },
      )
  })

  test('that chose nothing ends the task when nothing else waits, and its own output is the result', () => {
    const chosen = choose('route', { type: 'no_branches', reason: 'closed' })
    given(order, ...atRoute)
      .when(chosen)
      .thenTold('step.completed route', 'steps.created', 'task.completed')
    const task = taskAfter(order, ...atRoute, chosen)
    expect(notTakenSteps(task)).toEqual(['fast', 'careful', 'sign', 'done'])
    expect(taskResult(task)).toBe('{"route":{}}')
  })

  test('convergence waits for every branch that was chosen, and for no other', () => {
    const both = [...atRoute, choose('route', { type: 'create_steps', names: ['fast', 'careful'] }), ...run('fast')]
    given(order, ...both, ...run('careful'), start('sign'))
      .when(complete('sign'))
      .thenTold('step.completed sign', 'step.scheduled done')
    given(order, ...atRoute, choose('route', { type: 'create_steps', names: ['fast'] }), start('fast'))
      .when(complete('fast'))
      .thenTold('step.completed fast', 'step.scheduled done')
  })

  const fault =
    (...told: readonly string[]) =>
    (choice: Parameters<typeof choose>[1]) =>
      given(order, ...atRoute)
        .when(choose('route', choice))
        .thenTold(...told)
  const blocks = fault('step.failed route', 'task.blocked')

  test('that names what is no branch of it fails for good, whatever the policy allows', () => {
    blocks({ type: 'create_steps', names: ['nobody'] })
    blocks({ type: 'create_steps', names: ['check'] })
    blocks({ type: 'create_steps', names: ['fast', 'nobody'] })
    blocks({ type: 'create_steps', names: [] })
    blocks({ type: 'create_steps', names: Array.from({ length: LIMITS.stepsPerDecisionMax + 1 }, () => 'fast') })
    const task = taskAfter(order, ...atRoute, choose('route', { type: 'create_steps', names: ['nobody'] }))
    expect(task.steps[1]?.lastFailure).toMatchObject({ code: 'BAD_DECISION', retryable: false })
  })

  test('a repeat of a decision, good or bad, changes nothing', () => {
    for (const names of [['fast'], ['nobody']]) {
      const made = choose('route', { type: 'create_steps', names })
      given(order, ...atRoute, made)
        .when(made)
        .thenNothingNew()
    }
  })

  test('an outcome that does not fit the type of the step fails for good', () => {
    blocks({ type: 'no_batches' })
    given(order, ...atRoute)
      .when(complete('route'))
      .thenTold('step.failed route', 'task.blocked')
    given(order, submit(), start('check'))
      .when(choose('check', { type: 'create_steps', names: ['fast'] }))
      .thenTold('step.failed check', 'task.blocked')
  })

  test('may choose a step further behind; what leads there and was not chosen is cut away', () => {
    given(order, ...atRoute)
      .when(choose('route', { type: 'create_steps', names: ['sign'] }))
      .thenTold('step.completed route', 'steps.created', 'step.scheduled sign')
  })

  test('of a task that is being cancelled opens nothing', () => {
    given(order, ...atRoute, cancel())
      .when(choose('route', { type: 'create_steps', names: ['fast'] }))
      .thenTold('step.completed route', 'task.cancelled')
  })
})

describe('a decision behind a decision', () => {
  const nested = plan(
    step('a'),
    step('outer', { after: ['a'], type: 'decision' }),
    step('left', { after: ['outer'] }),
    step('inner', { after: ['outer'], type: 'decision' }),
    step('deep', { after: ['inner'] }),
    step('end', { after: ['left', 'deep'], type: 'deferred_convergence' }),
  )
  const atOuter = [submit(), ...run('a'), start('outer')] as const
  const outer = (...list: readonly string[]) => choose('outer', { type: 'create_steps', names: list })

  test('convergence waits as long as it could still create one of its branches', () => {
    const open = [...atOuter, outer('left', 'inner'), ...run('left'), start('inner')] as const
    expect(taskAfter(nested, ...open).steps[5]?.status).toBe('pending')
    given(nested, ...open)
      .when(choose('inner', { type: 'no_branches' }))
      .thenTold('step.completed inner', 'steps.created', 'step.scheduled end')
    given(nested, ...open)
      .when(choose('inner', { type: 'create_steps', names: ['deep'] }))
      .thenTold('step.completed inner', 'steps.created', 'step.scheduled deep')
  })

  test('that was not chosen takes everything behind it along', () => {
    const task = taskAfter(nested, ...atOuter, outer('left'))
    expect(notTakenSteps(task)).toEqual(['inner', 'deep'])
  })

  test('convergence of which no branch was taken is not taken itself', () => {
    const opened = [...atOuter, outer('inner'), start('inner')] as const
    given(nested, ...opened)
      .when(choose('inner', { type: 'no_branches' }))
      .thenTold('step.completed inner', 'steps.created', 'task.completed')
  })

  test('is out of reach of the outer one', () => {
    given(nested, ...atOuter)
      .when(outer('deep'))
      .thenTold('step.failed outer', 'task.blocked')
  })
})

const range = (start: number, end: number, id = ''): BatchRange => ({
  id,
  start: trustedJson(String(start)),
  end: trustedJson(String(end)),
  size: end - start,
})
const ranges = (count: number): readonly BatchRange[] => Array.from({ length: count }, (_, n) => range(n * 10, n * 10 + 10))

const batch = (failureStrategy: FailureStrategy = 'continue_on_failure', parallelism = 2, initialization = {}) =>
  plan(
    step('split', { type: 'batchable', initialization }),
    step('part', {
      after: ['split'],
      type: 'batch_worker',
      retry: { maxAttempts: 2, backoff: 'none' },
      batch: { failureStrategy, parallelism },
    }),
    step('sum', { after: ['part'], type: 'deferred_convergence' }),
  )
const split = (count: number): readonly Order[] => [
  submit(),
  start('split'),
  choose('split', { type: 'create_batches', ranges: ranges(count), totalItems: count * 10 }),
]
const stateOf = (of: ReturnType<typeof batch>, ...orders: readonly Order[]) => {
  const task = taskAfter(of, ...orders)
  return Object.fromEntries(task.graph.steps.map(({ name }, index) => [name, task.steps[index]?.status]))
}

describe('a batch', () => {
  test('has a worker a range, named after its template, and starts as many as its parallelism allows', () => {
    given(batch(), submit(), start('split'))
      .when(choose('split', { type: 'create_batches', ranges: ranges(3) }))
      .thenTold('step.completed split', 'steps.created', 'step.scheduled part_001', 'step.scheduled part_002')
    expect(stateOf(batch(), ...split(3))).toEqual({
      split: 'complete',
      part: 'not_taken',
      sum: 'pending',
      part_001: 'enqueued',
      part_002: 'enqueued',
      part_003: 'pending',
    })
  })

  test('the next worker starts when one has ended; the convergence when all have', () => {
    given(batch(), ...split(3), start('part_001'))
      .when(complete('part_001'))
      .thenTold('step.completed part_001', 'step.scheduled part_003')
    given(batch(), ...split(2), ...run('part_001'), start('part_002'))
      .when(complete('part_002'))
      .thenTold('step.completed part_002', 'step.scheduled sum')
  })

  test('a worker that waits for its retry, and one that saved a checkpoint, keep their places', () => {
    const waiting = plan(
      step('split', { type: 'batchable' }),
      step('part', { after: ['split'], type: 'batch_worker', batch: { parallelism: 1 } }),
    )
    given(waiting, ...split(2), start('part_001'))
      .when(fail('part_001'))
      .thenTold('step.failed part_001', 'step.retry_scheduled part_001')
    given(waiting, ...split(2), start('part_001'))
      .when(checkpoint('part_001', 1))
      .thenTold('step.checkpointed part_001')
  })

  test('with nothing to do has one worker that hears so, and convergence runs behind it', () => {
    given(batch(), submit(), start('split'))
      .when(choose('split', { type: 'no_batches' }))
      .thenTold('step.completed split', 'steps.created', 'step.scheduled part_000')
    const task = taskAfter(batch(), submit(), start('split'), choose('split', { type: 'no_batches' }))
    expect(task.batches[0]).toMatchObject({ isNoOp: true })
    given(batch(), submit(), start('split'), choose('split', { type: 'no_batches' }), start('part_000'))
      .when(complete('part_000'))
      .thenTold('step.completed part_000', 'step.scheduled sum')
  })

  test('more ranges than workers are joined where they meet, so that nothing is left out', () => {
    const few = batch('isolate', 9, { max_workers: 2 })
    const joined = taskAfter(few, ...split(5)).batches[0]?.ranges
    expect(joined).toEqual([
      { id: '001', start: '0', end: '20', size: 20 },
      { id: '002', start: '20', end: '50', size: 30 },
    ])
    given(few, submit(), start('split'))
      .when(choose('split', { type: 'create_batches', ranges: [range(0, 10), range(10, 20), range(25, 30)] }))
      .thenTold('step.failed split', 'task.blocked')
  })

  test('names of its own are kept; one that stands twice, or is no name, fails for good', () => {
    const named = choose('split', { type: 'create_batches', ranges: [range(0, 1, 'north'), range(1, 2)] })
    expect(Object.keys(stateOf(batch(), submit(), start('split'), named))).toEqual(
      expect.arrayContaining(['part_north', 'part_002']),
    )
    for (const wrong of [[range(0, 1, 'x'), range(1, 2, 'x')], [range(0, 1, ' x')], [range(0, 1, 'a\u0000')], []]) {
      given(batch(), submit(), start('split'))
        .when(choose('split', { type: 'create_batches', ranges: wrong }))
        .thenTold('step.failed split', 'task.blocked')
    }
  })
})

describe('a worker that failed for good', () => {
  const lost = (strategy: FailureStrategy) => given(batch(strategy), ...split(3), start('part_001'), start('part_002'))

  test('continue_on_failure: the others go on, convergence runs with what succeeded, the task completes', () => {
    lost('continue_on_failure').when(fail('part_001', permanently)).thenTold('step.failed part_001', 'step.scheduled part_003')
    const open = [...split(2), start('part_001'), fail('part_001', permanently), start('part_002')] as const
    given(batch(), ...open)
      .when(complete('part_002'))
      .thenTold('step.completed part_002', 'step.scheduled sum')
    const task = taskAfter(batch(), ...open, complete('part_002'), ...run('sum'))
    expect([task.phase, task.counts.error]).toEqual(['completed', 1])
  })

  test('isolate: the others go on, convergence waits for it, the task is blocked', () => {
    lost('isolate').when(fail('part_001', permanently)).thenTold('step.failed part_001', 'step.scheduled part_003')
    given(batch('isolate'), ...split(2), start('part_001'), fail('part_001', permanently), start('part_002'))
      .when(complete('part_002'))
      .thenTold('step.completed part_002', 'task.blocked')
  })

  test('fail_fast: the others are cancelled, running ones too, and the task is blocked', () => {
    lost('fail_fast')
      .when(fail('part_001', permanently))
      .thenTold('step.failed part_001', 'step.cancelled part_002', 'step.cancelled part_003', 'task.blocked')
  })

  test('fail_fast: what a cancelled worker says afterwards is ignored', () => {
    const over = [...split(2), start('part_001'), start('part_002'), fail('part_001', permanently)] as const
    given(batch('fail_fast'), ...over)
      .when(complete('part_002'))
      .thenTold('step.result_ignored part_002')
    given(batch('fail_fast'), ...over)
      .when(stop('part_002'))
      .thenNothingNew()
  })

  test('a failure that is tried again is none yet', () => {
    given(batch('fail_fast'), ...split(2), start('part_001'))
      .when(fail('part_001'))
      .thenTold('step.failed part_001', 'step.retry_scheduled part_001', 'step.scheduled part_001')
  })
})

test('a thousand batches are one task, and its last steps are decided as fast as its first', () => {
  const wide = batch('isolate', 1_000)
  const begun = taskAfter(wide, ...split(1_000))
  expect([begun.graph.steps.length, begun.counts.enqueued]).toEqual([1_003, 1_000])
  const nameOf = (n: number) => `part_${String(n).padStart(4, '0')}`
  const msOf = (from: number, to: number, task: LiveTask): { readonly task: LiveTask; readonly ms: number } => {
    const startedAt = performance.now()
    const orders = Array.from({ length: to - from }, (_, n) => run(nameOf(from + n))).flat()
    const after = continued(task, wide, orders)
    return { task: after, ms: performance.now() - startedAt }
  }
  const first = msOf(1, 401, begun)
  const second = msOf(401, 801, first.task)
  const rest = msOf(801, 1_001, second.task)
  expect(rest.task.steps[2]?.status).toBe('enqueued')
  // Twice as slow would already be growth; the rest is the noise of a busy machine.
  expect(second.ms).toBeLessThan(3 * first.ms + 200)
})

/** The task after more commands, all of them accepted. */
const continued = (task: LiveTask, of: Plan, orders: readonly Order[]): LiveTask =>
  orders.reduce<LiveTask>((state, order) => {
    const command = order(of)
    const decision = decide(state, command)
    if (decision.type === 'refused') throw new Error(decision.refusal.message)
    const next = applied(state, decision.events, command.at, of)
    if (next.type !== 'task') throw new Error('a task is there')
    return next
  }, task)

describe('a checkpoint', () => {
  const single = plan(step('a', { timeoutMs: 1_000, retry: { backoff: 'none', maxAttempts: 2 } }))
  const saved = { cursor: trustedJson('{"page":7}'), itemsProcessed: 70 }

  test('keeps the attempt, spends nothing, and gives it its time anew', () => {
    const task = taskAfter(single, submit(), start('a'), checkpoint('a', 1, saved, { at: 900 }))
    expect(task.steps[0]).toMatchObject({ status: 'in_progress', attempts: 1, attemptsSinceReset: 1, deadlineAt: at(1_900) })
    given(single, submit(), start('a'), checkpoint('a', 1, saved, { at: 900 }))
      .when(timeOut('a', { at: 1_000 }))
      .thenRefused('NOT_DUE')
  })

  test('said twice is saved once; a later one takes its place', () => {
    given(single, submit(), start('a'), checkpoint('a', 1)).when(checkpoint('a', 1)).thenNothingNew()
    const task = taskAfter(single, submit(), start('a'), checkpoint('a', 1), checkpoint('a', 2, saved))
    expect(task.checkpoints.get(0)).toMatchObject({ number: 2, cursor: '{"page":7}', itemsProcessed: 70 })
  })

  test('is there for the next attempt, whose numbers begin anew', () => {
    const again = [submit(), start('a'), checkpoint('a', 3, saved), fail('a', failure()), start('a', { attempt: 2 })] as const
    expect(taskAfter(single, ...again).checkpoints.get(0)).toMatchObject({ cursor: '{"page":7}' })
    given(single, ...again)
      .when(checkpoint('a', 1, {}, { attempt: 2 }))
      .thenTold('step.checkpointed a')
  })

  test('is gone with the result, and counts only from who holds the attempt', () => {
    expect(taskAfter(single, submit(), start('a'), checkpoint('a', 1), complete('a')).checkpoints.size).toBe(0)
    given(single, submit(), start('a'))
      .when(checkpoint('a', 1, {}, { worker: 'w2' }))
      .thenRefused('LEASE_LOST')
    given(single, submit()).when(checkpoint('b', 1)).thenRefused('UNKNOWN_STEP')
    given(single, submit(), start('a'), complete('a')).when(checkpoint('a', 1)).thenRefused('TASK_FINISHED')
  })
})
