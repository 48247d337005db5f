/** Two tasks compared: their histories are read once, and only what can be compared of them is kept. */
import {
  diffTasks,
  type Instant,
  instantText,
  type JsonText,
  jsonOf,
  type LiveTask,
  present,
  type Shown,
  TaskDigest,
  type TaskDiff,
} from '@tasker/core'
import type { Engine, TaskSnapshot } from '../engine/api.js'
import { pastEvents } from './past-events.js'

type Reader = Pick<Engine, 'history'>

export const compareTasks = async (engine: Reader, a: TaskSnapshot, b: TaskSnapshot): Promise<TaskDiff> => {
  const [left, right] = [await digestOf(engine, a), await digestOf(engine, b)]
  return diffTasks(left, right, [endOf(left), endOf(right)])
}

const endOf = (digest: TaskDigest): LiveTask => present(digest.task, 'a task that was read has events')

const digestOf = async (engine: Reader, snapshot: TaskSnapshot): Promise<TaskDigest> => {
  const digest = new TaskDigest(snapshot.state.plan)
  for await (const event of pastEvents(engine, snapshot)) digest.add(event)
  return digest
}

/** The comparison as all doors give it. */
export const comparisonText = (a: TaskSnapshot, b: TaskSnapshot, diff: TaskDiff): JsonText =>
  jsonOf({
    task_id: a.taskId,
    other_task_id: b.taskId,
    same: diff.same,
    template: { ...diff.template },
    same_template: diff.sameTemplate,
    status: { ...diff.status },
    submitted_at: { a: at(diff.submittedAt.a), b: at(diff.submittedAt.b) },
    duration_ms: { ...diff.durationMs },
    first_divergence: divergenceView(diff.firstDivergence),
    context: diff.context.map(changeView),
    result: diff.result.map(changeView),
    only_in: { ...diff.onlyIn },
    steps: diff.steps.map(stepView),
    cut: diff.cut,
  })

const at = (instant: Instant): string => instantText(instant)

const divergenceView = (divergence: TaskDiff['firstDivergence']) => {
  if (divergence === undefined) return null
  const { step, number, events } = divergence
  return {
    step_id: step ?? null,
    number,
    a: events.a === undefined ? null : { ...events.a },
    b: events.b === undefined ? null : { ...events.b },
  }
}

const changeView = ({ path, before, after }: TaskDiff['context'][number]) => ({
  path,
  before: shownView(before),
  after: shownView(after),
})

const shownView = (shown: Shown | undefined) =>
  shown === undefined ? null : { text: shown.text, cut_from: shown.cutFrom ?? null }

const stepView = (step: TaskDiff['steps'][number]) => ({
  step_id: step.step,
  differs: step.differs,
  status: { ...step.status },
  attempts: { ...step.attempts },
  failure: { a: step.failure.a ?? null, b: step.failure.b ?? null },
  output: step.output.map(changeView),
  same_input_other_output: step.sameInputOtherOutput,
  waiting_ms: { a: step.times.a.waitingMs, b: step.times.b.waitingMs },
  running_ms: { a: step.times.a.runningMs, b: step.times.b.runningMs },
})
