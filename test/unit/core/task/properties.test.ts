/** What holds for every task, whatever comes to it and in whatever order. */
import { isDeepStrictEqual } from 'node:util'
import {
  NO_TASK,
  TERMINAL_EVENTS,
  attemptsAllowed,
  decide,
  evolve,
  fold,
  isTakingBack,
  isTerminal,
  undoStateOf,
  present,
  runOf,
  stepId,
  type LiveTask,
  type StepStatus,
  type TaskEvent,
  type TaskState,
} from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plan, stateAfter, step, submit } from '../../../support/given.js'
import { arbitraryPlan, arbitraryRun, arbitraryTrip, nextOrdinary, play, type Commit, type Run } from './random-run.js'

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

test('no step starts before everything it depends on is satisfied, and none while its task is paused', () => {
  forEveryRun((run) => {
    play(run, {
      onEvent: (before, event) => {
        if (event.type !== 'step.started' || before.type !== 'task') return
        expect(before.pace.type).toBe('going')
        const index = before.graph.indexOf.get(event.step) ?? -1
        // A way back waits for what built on the step, which is another rule.
        if (isTakingBack(before, index)) return
        const join = before.graph.steps[index]?.join
        const waitsFor = before.graph.dependencies[index] ?? []
        if (join === 'all') expect(waitsFor.filter((dependency) => !mayPass(before, dependency))).toEqual([])
        else expect(satisfiedOf(before, waitsFor)).toBeGreaterThanOrEqual(present(join, 'a join'))
      },
    })
  })
})

/** A dependency is complete, skipped, resolved by hand or not taken, or it failed where its task or its batch goes on without it. */
const mayPass = (task: LiveTask, index: number): boolean => {
  const status = task.steps[index]?.status
  if (status === 'complete' || status === 'skipped' || status === 'resolved_manually' || status === 'not_taken') return true
  const strategy = task.batches.find(({ first, ranges }) => first <= index && index < first + ranges.length)?.spec.failureStrategy
  return status === 'error' && (strategy === 'continue_on_failure' || task.graph.steps[index]?.onFailure === 'continue')
}
const satisfiedOf = (task: LiveTask, indexes: readonly number[]): number =>
  indexes.filter((index) =>
    ['complete', 'skipped', 'resolved_manually'].includes(present(task.steps[index], 'a dependency').status),
  ).length

test('a step whose condition is false never starts, and one whose condition has no value fails for good', () => {
  const seen = new Set<string>()
  forEveryRun((run) => {
    play(run, {
      onEvent: (before, event) => {
        if (before.type !== 'task' || !('step' in event)) return
        const index = run.plan.indexOf.get(event.step ?? stepId('')) ?? -1
        // A person may have given the result of a step that could not run; its way back runs.
        if (isTakingBack(before, index)) return
        const when = run.plan.steps[index]?.when
        if (event.type === 'step.started') expect(['false', 'context.missing']).not.toContain(when?.text)
        if (event.type === 'step.skipped') expect(when?.text).toBe(event.condition)
        if (event.type === 'step.failed' && event.failure.code === 'CONDITION_FAILED') expect(when?.text).toBe('context.missing')
        if (when !== undefined) seen.add(`${event.type} ${when.text}`)
      },
    })
  })
  expect([...seen]).toEqual(expect.arrayContaining(['step.skipped false', 'step.started true', 'step.failed context.missing']))
})

const racing = plan(
  step('s0'),
  step('s1', { after: ['s0'] }),
  step('s2'),
  step('s3', { after: ['s1', 's2'], more: { join: 1, cancelRemaining: true } }),
  step('s4', { after: ['s2'] }),
  step('s5', { after: ['s3', 's4'], more: { join: 1, cancelRemaining: true } }),
)

test('a running task cancels only what nobody waits for any more', () => {
  let cancelled = 0
  forEveryRun((random) => {
    const run = { ...random, plan: racing }
    play(run, {
      onDecision: (state, command, decision) => {
        if (state.type !== 'task' || command.type === 'fail_task' || state.phase !== 'running' || decision.type === 'refused')
          return
        const after = decision.events.reduce<TaskState>((folded, event) => evolve(folded, event, command.at, run.plan), state)
        if (after.type !== 'task' || after.cancel !== undefined) return
        for (const event of decision.events) {
          if (event.type !== 'step.cancelled') continue
          cancelled += 1
          const dependents = run.plan.dependents[run.plan.indexOf.get(event.step) ?? -1] ?? []
          expect(dependents.filter((dependent) => after.steps[dependent]?.status === 'pending')).toEqual([])
        }
      },
    })
  })
  expect(cancelled).toBeGreaterThan(10)
})

test('every end of an attempt is told outside once for each condition that speaks of it, in the same commit', () => {
  const asked = new Map([
    ['success', ['success', 'always']],
    ['retryable_failure', ['retryable_failure']],
    ['permanent_failure', ['failure', 'permanent_failure', 'always']],
  ])
  forEveryRun((run) => {
    const ofWaysBack = new Set<TaskEvent>()
    const onEvent = (_: TaskState, event: TaskEvent, after: LiveTask): void => {
      if ('step' in event && isTakingBack(after, after.graph.indexOf.get(event.step ?? stepId('')) ?? -1)) ofWaysBack.add(event)
    }
    for (const { events } of play(run, { onEvent }).commits) {
      events.forEach((event, index) => {
        const outcome = outcomeOf(event)
        if (outcome === undefined || !('step' in event) || ofWaysBack.has(event)) return
        const publishes = run.plan.steps[run.plan.indexOf.get(event.step) ?? -1]?.publishes.length ?? 0
        const names = publishes === 0 ? [] : (asked.get(outcome) ?? [])
        const behind = events.slice(index + 1).findIndex(({ type }) => type !== 'domain_event.recorded')
        const told = events.slice(index + 1, behind === -1 ? undefined : index + 1 + behind)
        expect(told).toMatchObject(names.map((name) => ({ name, outcome, step: event.step })))
      })
    }
  })
})

const outcomeOf = (event: TaskEvent): string | undefined => {
  if (event.type === 'step.completed') return 'success'
  if (event.type !== 'step.failed' && event.type !== 'step.timed_out') return undefined
  return event.permanent ? 'permanent_failure' : 'retryable_failure'
}

test('attempts never exceed the policy', () => {
  forEveryRun((run) => {
    play(run, {
      onEvent: (_, __, after) => {
        after.steps.forEach((step, index) => {
          const spec = after.graph.steps[index]
          if (spec !== undefined) expect(step.attemptsSinceReset).toBeLessThanOrEqual(attemptsAllowed(runOf(after, index).retry))
          expect(step.attemptsSinceReset).toBeGreaterThanOrEqual(0)
        })
      },
    })
  })
})

test('at most one dead letter of a task is pending, and none of a task that is over (L1, L2)', () => {
  forEveryRun((run) => {
    play(run, {
      onEvent: (_, __, { deadLetters, phase }) => {
        const pending = deadLetters.entries.filter(({ status }) => status === 'pending')
        expect(pending.length).toBeLessThanOrEqual(isTerminal(phase) ? 0 : 1)
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

test('steps are taken back once nothing else is active, at most once, and after all that built on them', () => {
  let takenBack = 0
  const check = (run: Run): void => {
    const undone = new Set<string>()
    play(run, {
      onEvent: (before, event, after) => {
        if (before.type !== 'task') return
        if (event.type === 'compensation.started')
          expect([before.counts.enqueued, before.counts.in_progress, before.counts.waiting_for_retry]).toEqual([0, 0, 0])
        if (event.type !== 'step.completed' || after.compensation === undefined) return
        const index = run.plan.indexOf.get(event.step) ?? -1
        expect([after.steps[index]?.status, undone.has(event.step)]).toEqual(['compensated', false])
        undone.add(event.step)
        takenBack += 1
        for (const later of behind(run.plan, index)) expect([undefined, 'done']).toContain(undoStateOf(after, later))
      },
    })
  }
  forEveryRun(check)
  fc.assert(fc.property(arbitraryTrip, check), RUNS)
  expect(takenBack).toBeGreaterThan(20)
})

const behind = (of: Run['plan'], index: number): readonly number[] => {
  const found = new Set(of.dependents[index])
  for (const node of found) for (const next of of.dependents[node] ?? []) found.add(next)
  return [...found]
}

test('an attempt has one recorded outcome, and is ignored at most once', () => {
  forEveryRun((run) => {
    const told = new Set<string>()
    play(run, {
      onEvent: (_, event) => {
        const isOutcome = event.type === 'step.completed' || event.type === 'step.failed' || event.type === 'step.timed_out'
        // What fails before its first attempt is asked anew after a reset.
        if ((!isOutcome && event.type !== 'step.result_ignored') || event.attempt === 0) return
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
        // What is taken back is no dependency of anything that will still begin.
        if (after.compensation === undefined) expect(after.unmet).toEqual(unmetOf(after))
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
    skipped: count('skipped'),
    resolved_manually: count('resolved_manually'),
    compensated: count('compensated'),
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
        if (after.type !== 'task' || isTerminal(after.phase)) return
        const { enqueued, in_progress, waiting_for_retry, error, cancelled } = after.counts
        if (after.phase === 'running' || after.phase === 'compensating')
          expect(enqueued + in_progress + waiting_for_retry).toBeGreaterThan(0)
        if (after.phase === 'cancelling') expect([in_progress > 0, enqueued + waiting_for_retry]).toEqual([true, 0])
        if (after.phase === 'blocked')
          expect([error + cancelled > 0, enqueued + in_progress + waiting_for_retry]).toEqual([true, 0])
      },
    })
  })
})

test('the quick way of deciding decides what the thorough way decides', () => {
  let quick = 0
  forEveryRun((run) => {
    play(run, {
      onDecision: (state, command, decision) => {
        if (state.type !== 'task' || command.type !== 'complete' || state.phase !== 'running') return
        if (!state.plan.plain) return
        quick += 1
        expect(decide({ ...state, plan: { ...state.plan, plain: false } }, command)).toEqual(decision)
      },
    })
  })
  expect(quick).toBeGreaterThan(30)
})

test('a task whose workers always answer reaches its end, or is blocked by a step in error', () => {
  const draws = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 100, maxLength: 100 })
  fc.assert(
    fc.property(arbitraryPlan, draws, (plan, chosen) => {
      let state = stateAfter(plan, [submit()])
      for (const draw of chosen) {
        if (state.type !== 'task') break
        const command = nextOrdinary(state, draw)
        if (command === undefined) break
        const decision = decide(state, command)
        if (decision.type === 'refused') throw new Error(decision.refusal.message)
        state = decision.events.reduce<TaskState>((folded, event) => evolve(folded, event, command.at, plan), state)
      }
      expect(state.type === 'task' ? state.phase : state.type).toMatch(/^(completed|blocked|failed)$/)
    }),
    RUNS,
  )
})
