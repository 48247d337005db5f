/** What holds for every task, whatever comes to it and in whatever order. */
import { isDeepStrictEqual } from 'node:util'
import {
  NO_TASK,
  TERMINAL_EVENTS,
  attemptsAllowed,
  decide,
  evolve,
  fold,
  isTerminal,
  type LiveTask,
  type StepStatus,
  type TaskEvent,
  type TaskState,
} from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stateAfter, submit } from '../../../support/given.js'
import { arbitraryPlan, arbitraryRun, nextOrdinary, play, type Commit, type Run } from './random-run.js'

const RUNS = { numRuns: 300 }

const forEveryRun = (check: (run: Run) => void): void => {
  fc.assert(fc.property(arbitraryRun, check), RUNS)
}

/** Whether the log's text gives the event back: a member that is undefined, say, would be lost. */
const textHolds = (event: TaskEvent): boolean => isDeepStrictEqual(JSON.parse(JSON.stringify(event)), event)

const refold = (run: Run, commits: readonly Commit[]): TaskState =>
  commits.reduce<TaskState>(
    (state, { at, events }) => fold((folded, event: TaskEvent) => evolve(folded, event, at, run.plan), state, events),
    NO_TASK,
  )

test('a task folded from its log is the task that was alive', () => {
  forEveryRun((run) => {
    const { state, commits } = play(run, {})
    const folded = refold(run, commits)
    if (!isDeepStrictEqual(folded, state)) expect(folded).toStrictEqual(state)
  })
})

test('text holds every event without loss', () => {
  forEveryRun((run) => {
    const { commits } = play(run, {})
    expect(commits.flatMap(({ events }) => events.filter((event) => !textHolds(event)))).toEqual([])
  })
})

test('no step starts before everything it depends on is complete', () => {
  forEveryRun((run) => {
    play(run, {
      onEvent: (before, event) => {
        if (event.type !== 'step.started' || before.type === 'none') return
        const index = before.graph.indexOf.get(event.step) ?? -1
        const open = before.graph.dependencies[index]?.filter((dependency) => !mayPass(before, dependency))
        expect(open).toEqual([])
      },
    })
  })
})

/** A dependency is complete, was not taken, or is a worker that failed where its batch goes on without it. */
const mayPass = (task: LiveTask, index: number): boolean => {
  const status = task.steps[index]?.status
  if (status === 'complete' || status === 'not_taken') return true
  const strategy = task.batches.find(({ first, ranges }) => first <= index && index < first + ranges.length)?.spec.failureStrategy
  return status === 'error' && strategy === 'continue_on_failure'
}

test('attempts never exceed the policy', () => {
  forEveryRun((run) => {
    play(run, {
      onEvent: (_, __, after) => {
        after.steps.forEach((step, index) => {
          const spec = after.graph.steps[index]
          if (spec !== undefined) expect(step.attemptsSinceReset).toBeLessThanOrEqual(attemptsAllowed(spec.retry))
          expect(step.attemptsSinceReset).toBeGreaterThanOrEqual(0)
        })
      },
    })
  })
})

test('an attempt number is never used twice', () => {
  forEveryRun((run) => {
    const started = new Set<string>()
    play(run, {
      onEvent: (_, event) => {
        if (event.type !== 'step.started') return
        const key = `${event.step} ${event.attempt}`
        expect(started.has(key)).toBe(false)
        started.add(key)
      },
    })
  })
})

test('a task ends once, and nothing follows its end', () => {
  forEveryRun((run) => {
    const { commits } = play(run, {})
    const types = commits.flatMap(({ events }) => events.map((event) => event.type))
    const end = types.findIndex((type) => TERMINAL_EVENTS.has(type))
    if (end !== -1) expect(types.slice(end)).toHaveLength(1)
  })
})

test('an attempt has one recorded outcome, and is ignored at most once', () => {
  forEveryRun((run) => {
    const told = new Set<string>()
    play(run, {
      onEvent: (_, event) => {
        const isOutcome = event.type === 'step.completed' || event.type === 'step.failed' || event.type === 'step.timed_out'
        if (!isOutcome && event.type !== 'step.result_ignored') return
        const key = `${event.step} ${event.attempt} ${isOutcome ? 'outcome' : 'ignored'}`
        expect(told.has(key)).toBe(false)
        told.add(key)
      },
    })
  })
})

test('a result that was recorded is accepted without news when it is sent again', () => {
  forEveryRun((run) => {
    play(run, {
      onDecision: (state, command, decision) => {
        if (command.type !== 'complete' && command.type !== 'fail' && command.type !== 'stopped') return
        if (decision.type === 'refused' || decision.events.some((event) => event.type === 'step.result_ignored')) return
        const after = decision.events.reduce<TaskState>((folded, event) => evolve(folded, event, command.at, run.plan), state)
        expect(decide(after, command)).toStrictEqual({ type: 'accepted', events: [] })
      },
    })
  })
})

test('counts and unmet dependencies always say what the steps say', () => {
  forEveryRun((run) => {
    play(run, {
      onEvent: (_, __, after) => {
        expect(after.counts).toEqual(countsOf(after))
        expect(after.unmet).toEqual(unmetOf(after))
      },
    })
  })
})

const countsOf = (task: LiveTask): { readonly [Status in StepStatus]: number } => {
  const count = (status: StepStatus) => task.steps.filter((step) => step.status === status).length
  return {
    uncreated: count('uncreated'),
    not_taken: count('not_taken'),
    pending: count('pending'),
    enqueued: count('enqueued'),
    in_progress: count('in_progress'),
    waiting_for_retry: count('waiting_for_retry'),
    complete: count('complete'),
    error: count('error'),
    cancelled: count('cancelled'),
  }
}

const unmetOf = (task: LiveTask): readonly number[] =>
  task.steps.map((_, index) => task.graph.dependencies[index]?.filter((dependency) => !mayPass(task, dependency)).length ?? 0)

test('after every decision an open task has something that will move it, or says that it waits for a person', () => {
  forEveryRun((run) => {
    play(run, {
      onDecision: (state, command, decision) => {
        const events = decision.type === 'accepted' ? decision.events : []
        const after = events.reduce<TaskState>((folded, event) => evolve(folded, event, command.at, run.plan), state)
        if (after.type === 'none' || isTerminal(after.phase)) return
        const { enqueued, in_progress, waiting_for_retry, error } = after.counts
        if (after.phase === 'running') expect(enqueued + in_progress + waiting_for_retry).toBeGreaterThan(0)
        if (after.phase === 'cancelling') expect([in_progress > 0, enqueued + waiting_for_retry]).toEqual([true, 0])
        if (after.phase === 'blocked') expect([error > 0, enqueued + in_progress + waiting_for_retry]).toEqual([true, 0])
      },
    })
  })
})

test('the quick way of deciding decides what the thorough way decides', () => {
  let quick = 0
  forEveryRun((run) => {
    play(run, {
      onDecision: (state, command, decision) => {
        if (state.type === 'none' || command.type !== 'complete' || state.phase !== 'running') return
        if (!state.plan.plain) return
        quick += 1
        expect(decide({ ...state, plan: { ...state.plan, plain: false } }, command)).toEqual(decision)
      },
    })
  })
  expect(quick).toBeGreaterThan(100)
})

test('a task whose workers always answer reaches its end, or is blocked by a step in error', () => {
  const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 100, maxLength: 100 })
  fc.assert(
    fc.property(arbitraryPlan, draws, (plan, chosen) => {
      let state = stateAfter(plan, [submit()])
      for (const draw of chosen) {
        if (state.type === 'none') break
        const command = nextOrdinary(state, draw)
        if (command === undefined) break
        const decision = decide(state, command)
        if (decision.type === 'refused') throw new Error(decision.refusal.message)
        state = decision.events.reduce<TaskState>((folded, event) => evolve(folded, event, command.at, plan), state)
      }
      expect(state.type === 'task' ? state.phase : state.type).toMatch(/^(completed|blocked)$/)
    }),
    RUNS,
  )
})
