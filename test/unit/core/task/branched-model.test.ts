/** Decisions, batches and convergence inside each other, against a model that knows only the words of the documentation. */
import {
  decide,
  evolve,
  stepId,
  trustedJson,
  workerId,
  type LiveTask,
  type Plan,
  type StepChoice,
  type TaskCommand,
  type TaskEvent,
} from '@tasker/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryBranchedPlan, choiceOf } from '../../../support/branched.js'
import { plan, step, submit, taskAfter } from '../../../support/given.js'

const RUNS = { numRuns: 500 }

/** What each handler answers, by step of the plan. */
type Answers = readonly (StepChoice | undefined)[]

/** The model: which steps of the plan come to exist when every handler succeeds, each asked on its own, with no order of events. */
const modelOf = (of: Plan, answers: Answers) => {
  const typeOf = (index: number) => of.steps[index]?.type ?? 'standard'
  const before = (index: number) => of.dependencies[index] ?? []
  const isBehind = (index: number): boolean => before(index).some((other) => typeOf(other) === 'decision' || isBehind(other))
  const names = (decision: number, index: number): boolean => {
    const answer = answers[decision]
    return answer?.type === 'create_steps' && answer.names.includes(of.steps[index]?.name ?? '')
  }
  const exists = (index: number): boolean => {
    if (typeOf(index) === 'batch_worker') return before(index).some((other) => typeOf(other) === 'batchable' && exists(other))
    if (!isBehind(index)) return true
    if (of.steps.some((_, decision) => typeOf(decision) === 'decision' && names(decision, index) && exists(decision))) return true
    return before(index).some((other) => typeOf(other) !== 'decision' && isBehind(other) && exists(other))
  }
  const workers = (index: number): readonly string[] => {
    const analyzer = before(index).find((other) => typeOf(other) === 'batchable')
    const answer = analyzer === undefined ? undefined : answers[analyzer]
    const name = of.steps[index]?.name ?? ''
    if (answer?.type !== 'create_batches') return [`${name}_000`]
    const { length } = answer.ranges
    return Array.from({ length: Math.min(4, length) }, (_, n) => `${name}_00${n + 1}`)
  }
  const stands = (index: number): readonly string[] => {
    if (!exists(index)) return []
    return typeOf(index) === 'batch_worker' ? workers(index) : [of.steps[index]?.name ?? '']
  }
  return { stands, waitsFor: (index: number) => before(index).flatMap(stands), exists }
}

interface Run {
  readonly of: Plan
  readonly draws: readonly number[]
}

const arbitraryRun: fc.Arbitrary<Run> = fc.record({
  of: arbitraryBranchedPlan,
  draws: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 40, maxLength: 40 }),
})

/** Runs a task to its end: whichever steps are ready, in an order that the draws choose, all of them succeed. */
const play = ({ of, draws }: Run, answers: Answers) => {
  let task: LiveTask = taskAfter(of, submit())
  const commits: (readonly TaskEvent[])[] = []
  const send = (command: TaskCommand): void => {
    const decision = decide(task, command)
    if (decision.type === 'refused') throw new Error(decision.refusal.message)
    for (const event of decision.events) {
      const next = evolve(task, event, command.at, of)
      if (next.type !== 'task') throw new Error('a task is there')
      task = next
    }
    commits.push(decision.events)
  }
  const worker = workerId('w1')
  for (let turn = 0; task.phase === 'running' && turn < 1_000; turn++) {
    const open = task.steps.flatMap(({ status }, index) => (status === 'enqueued' || status === 'in_progress' ? [index] : []))
    const index = open[Math.floor((draws[turn % draws.length] ?? 0) * open.length)]
    if (index === undefined) break
    const [state, spec] = [task.steps[index], task.graph.steps[index]]
    const ref = { at: task.updatedAt, step: stepId(spec?.name ?? ''), attempt: state?.attempts ?? 0, worker }
    if (state?.status === 'enqueued') send({ type: 'start', ...ref })
    else {
      const choice = answers[index]
      send({ type: 'complete', ...ref, output: trustedJson('1'), ...(choice === undefined ? {} : { choice }) })
    }
  }
  return { task, commits }
}

const answersOf = ({ of, draws }: Run): Answers =>
  of.steps.map((_, index) => choiceOf(of, index, draws[(index * 7) % draws.length] ?? 0))

const namesWith = (task: LiveTask, status: string): readonly string[] =>
  task.graph.steps.flatMap(({ name }, index) => (task.steps[index]?.status === status ? [name] : [])).sort()

test('every branch that was chosen runs, everything behind it, and nothing else; then the task is complete', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      const answers = answersOf(run)
      const model = modelOf(run.of, answers)
      const { task } = play(run, answers)
      expect(task.phase).toBe('completed')
      expect(namesWith(task, 'complete')).toEqual(run.of.steps.flatMap((_, index) => model.stands(index)).sort())
      expect(namesWith(task, 'uncreated')).toEqual([])
    }),
    RUNS,
  )
})

test('no step is ready before everything that it waits for and that comes to exist is complete', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      const answers = answersOf(run)
      const model = modelOf(run.of, answers)
      const complete = new Set<string>()
      for (const event of play(run, answers).commits.flat()) {
        if (event.type === 'step.completed') complete.add(event.step)
        if (event.type !== 'step.scheduled') continue
        const index = run.of.steps.findIndex((_, at) => model.stands(at).includes(event.step))
        expect(model.waitsFor(index).filter((name) => !complete.has(name))).toEqual([])
      }
    }),
    RUNS,
  )
})

test('the steps a decision or a batch opens stand in the commit of its end', () => {
  fc.assert(
    fc.property(arbitraryRun, (run) => {
      for (const events of play(run, answersOf(run)).commits) {
        const ended = events.filter(
          (event) =>
            event.type === 'step.completed' &&
            ['decision', 'batchable'].includes(run.of.steps[run.of.indexOf.get(event.step) ?? -1]?.type ?? ''),
        )
        expect(events.filter(({ type }) => type === 'steps.created')).toHaveLength(ended.length)
      }
    }),
    RUNS,
  )
})

test('no more workers of a batch are open than its parallelism allows', () => {
  fc.assert(
    fc.property(arbitraryRun, fc.integer({ min: 1, max: 3 }), (run, parallelism) => {
      const of = plan(step('a', { type: 'batchable' }), step('w', { type: 'batch_worker', after: ['a'], batch: { parallelism } }))
      const open = new Set<string>()
      for (const event of play({ ...run, of }, answersOf({ ...run, of })).commits.flat()) {
        if (event.type === 'step.scheduled' && event.step !== 'a') open.add(event.step)
        if (event.type === 'step.completed') open.delete(event.step)
        expect(open.size).toBeLessThanOrEqual(parallelism)
      }
    }),
    RUNS,
  )
})
