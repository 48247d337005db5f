import {
  decide,
  evolve,
  factsOf,
  LIMITS,
  type LiveTask,
  NO_DEAD_LETTERS,
  NO_TASK,
  type Plan,
  type TaskEvent,
  type TaskState,
  trustedJson,
} from '@tasker/core'
import { snapshotRow } from '@tasker/server/internal/projections/snapshots/snapshot'
import { parseTaskState, STATE_SCHEMA, taskStateText } from '@tasker/server/internal/projections/snapshots/task-state-text'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { requestId } from '../../../support/engine.js'
import { at, effect, functionPlan, type Order, plan, record, start, stateAfter, step, submit } from '../../../support/given.js'
import { arbitraryLife } from '../../core/task/random-function.js'
import { arbitraryRun, type Commit, play, type Run } from '../../core/task/random-run.js'

const RUNS = 300

const stateAfterMore = (state: TaskState, order: Order): TaskState => {
  const command = order(functionPlan)
  const decision = decide(state, command)
  if (decision.type === 'refused') throw new Error(decision.refusal.message)
  return foldOf(state, [{ at: command.at, events: decision.events }], functionPlan)
}

const foldOf = (state: TaskState, commits: readonly Commit[], ofPlan: Plan): TaskState =>
  commits.reduce(
    (folded, { events, at }) => events.reduce<TaskState>((next, event: TaskEvent) => evolve(next, event, at, ofPlan), folded),
    state,
  )

const throughText = (state: LiveTask): LiveTask => parseTaskState(taskStateText(state), () => state.plan)

/** The state after each commit of a run. */
const statesOf = (run: Run): { readonly states: readonly LiveTask[]; readonly commits: readonly Commit[] } => {
  const { commits } = play(run, {})
  const states: LiveTask[] = []
  let state: TaskState = NO_TASK
  for (const commit of commits) {
    state = foldOf(state, [commit], run.plan)
    if (state.type === 'task') states.push(state)
  }
  return { states, commits }
}

test('whatever happens to a task, its state is the same after it was text', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      for (const state of statesOf(run).states) expect(throughText(state)).toStrictEqual(state)
    }),
    { numRuns: RUNS },
  )
})

test('a fold that goes on from text gives what a fold from the start gives', () => {
  fc.assert(
    fc.property(arbitraryRun, fc.nat(), (run, pick) => {
      const { states, commits } = statesOf(run)
      const place = pick % states.length
      const from = states[place]
      if (from === undefined) throw new Error('a run has a state')
      expect(foldOf(throughText(from), commits.slice(place + 1), run.plan)).toStrictEqual(foldOf(NO_TASK, commits, run.plan))
    }),
    { numRuns: RUNS },
  )
})

test('the runs that show it meet every status, batches with workers, decisions, ways back, checkpoints and dead letters', () => {
  const met = new Set<string>()
  for (const run of fc.sample(arbitraryRun, { numRuns: RUNS, seed: 4 })) {
    for (const { steps, batches, choices, compensation, checkpoints, deadLetters, pace, cancel, failed } of statesOf(run)
      .states) {
      for (const { status, lastFailure, ignored } of steps) {
        met.add(status)
        if (lastFailure?.stack !== undefined) met.add('stack')
        if (ignored.length > 0) met.add('ignored')
      }
      if (batches.some(({ ranges }) => ranges.length > 0)) met.add('batch')
      if (choices.size > 0) met.add('choice')
      if ((compensation?.undone.size ?? 0) > 0) met.add('way back')
      if (checkpoints.size > 0) met.add('checkpoint')
      if (deadLetters !== NO_DEAD_LETTERS) met.add('dead letter')
      if (deadLetters.told.length > 0) met.add('stale')
      if (pace.type === 'paused') met.add('pause')
      if (cancel !== undefined) met.add('cancel')
      if (failed !== undefined) met.add('failed')
    }
  }
  const all = ['batch', 'choice', 'way back', 'checkpoint', 'dead letter', 'stale', 'pause', 'cancel', 'failed', 'ignored']
  const statuses = 'uncreated not_taken pending enqueued in_progress waiting_for_retry complete error cancelled skipped'.split(
    ' ',
  )
  expect([...all, ...statuses, 'resolved_manually', 'compensated'].filter((one) => !met.has(one))).toEqual([])
})

test('the whole journal of a durable function is the same after it was text, and goes on from there', () => {
  fc.assert(
    fc.property(arbitraryLife, fc.nat(), ({ states, commits }, pick) => {
      for (const state of states) expect(throughText(state)).toStrictEqual(state)
      const place = pick % states.length
      const from = states[place]
      if (from === undefined) throw new Error('a life has a state')
      expect(foldOf(throughText(from), commits.slice(place + 1), functionPlan)).toStrictEqual(states.at(-1))
    }),
    { numRuns: RUNS },
  )
})

test('the lives that show it meet every fact, every outcome, signals that were kept, divergences and names of state', () => {
  const met = new Set<string>()
  for (const { states } of fc.sample(arbitraryLife, { numRuns: RUNS, seed: 4 }))
    for (const { journal } of states) {
      if (journal === undefined) continue
      for (const { fact, at: when } of factsOf(journal)) {
        met.add('kind' in fact ? `${fact.type} ${fact.kind}` : fact.type)
        if ('outcome' in fact) met.add(fact.outcome.type)
        if ('requestId' in fact) met.add('request id')
        if ('reason' in fact) met.add('reason')
        if (when < journal.beganAt) met.add('kept')
      }
      if (journal.diverged !== undefined) met.add('diverged')
      if (journal.state.size > 0) met.add('state')
      if (journal.timers.size > 0) met.add('open timer')
      if (journal.calls.size > 0) met.add('open call')
    }
  const effects = ['step', 'send', 'patch', 'state'].map((kind) => `effect.recorded ${kind}`)
  const timers = ['started', 'fired', 'cancelled'].flatMap((what) => [`timer.${what} timer`, `timer.${what} signal`])
  const others = [
    'succeeded',
    'failed',
    'cancelled',
    'request id',
    'reason',
    'kept',
    'diverged',
    'state',
    'open timer',
    'open call',
  ]
  const all = [...effects, ...timers, ...others, 'signal.received', 'task.cancel_requested', 'call.started', 'call.ended']
  expect(all.filter((one) => !met.has(one))).toEqual([])
})

test('a journal of as many operations as there may be is read back without deep calls', () => {
  let state = stateAfter(functionPlan, [submit(), start('run')])
  for (let number = 0; number < LIMITS.functionOperationsMax; number += 500) {
    const proposals = Array.from({ length: 500 }, (_, index) => effect(`step ${number + index}`))
    state = stateAfterMore(state, record(proposals))
  }
  if (state.type !== 'task' || state.journal === undefined) throw new Error('no function')
  const text = taskStateText(state)
  const read = parseTaskState(text, () => functionPlan)
  expect(read.journal).toMatchObject({ length: LIMITS.functionOperationsMax, operations: LIMITS.functionOperationsMax })
  expect(taskStateText(read) === text).toBe(true)
})

test('a state that is too large has no snapshot; one a character smaller has', () => {
  const context = (chars: number) => trustedJson(JSON.stringify('x'.repeat(chars)))
  const stateOf = (chars: number): LiveTask => {
    const one = plan(step('a'))
    const command = submit()(one)
    if (command.type !== 'submit') throw new Error('no submission')
    const decision = decide(NO_TASK, { ...command, context: context(chars) })
    if (decision.type === 'refused') throw new Error('refused')
    const state = foldOf(NO_TASK, [{ at: at(0), events: decision.events }], one)
    if (state.type !== 'task') throw new Error('no task')
    return state
  }
  const rowOf = (chars: number) => snapshotRow(requestId(1), stateOf(chars), 2, Buffer.alloc(32))
  const most = LIMITS.snapshotCharsMax - ((rowOf(10)?.state.length ?? 0) - 10)
  expect(rowOf(most)).toMatchObject({ taskId: requestId(1), version: 2, schema: STATE_SCHEMA })
  expect(rowOf(most + 1)).toBeUndefined()
  expect(rowOf(LIMITS.snapshotCharsMax)).toBeUndefined()
})
