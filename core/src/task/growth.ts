/** What decisions, batches and calls make of a task: steps that begin to exist, steps that never will, and steps that the template does not list. */
import { callStep } from '../function/call-step.js'
import type { CallsCreated } from '../function/events.js'
import { withCalls, withWorkers } from '../graph/grown.js'
import type { StepId } from '../kernel/ids.js'
import type { Instant } from '../kernel/instant.js'
import { BugError, elementAt, invariant } from '../kernel/invariant.js'
import type { StepGraph } from '../template/plan.js'
import type { BatchesCreated, BranchesCreated, InitialStepsCreated } from './events.js'
import type { BatchRun, LiveTask, StepState, StepStatus } from './state.js'
import { createdStep, notTakenStep, uncreatedStep } from './step-states.js'
import { letsOthersGoOn } from './step-groups.js'

/** All steps start as one shared object: none of them has a history yet. */
export const initialSteps = (task: LiveTask, event: InitialStepsCreated, at: Instant): LiveTask => {
  const { plan } = task
  invariant(task.steps.length === 0, 'the initial segment is created once')
  const steps = new Array<StepState>(plan.steps.length).fill(uncreatedStep(at))
  const created = createdStep(at)
  for (const name of event.steps) steps[indexIn(plan, name)] = created
  return {
    ...task,
    updatedAt: at,
    steps,
    unmet: plan.dependencies.map((dependencies) => dependencies.length),
    counts: { ...NO_STEPS, uncreated: plan.steps.length - event.steps.length, pending: event.steps.length },
  }
}

/** Of so many steps that all exist. Written out in full: this happens to every task. */
export const pendingSteps = (count: number): LiveTask['counts'] => ({
  uncreated: 0,
  not_taken: 0,
  pending: count,
  enqueued: 0,
  in_progress: 0,
  waiting_for_retry: 0,
  complete: 0,
  error: 0,
  cancelled: 0,
  skipped: 0,
  resolved_manually: 0,
  compensated: 0,
})

export const NO_STEPS: LiveTask['counts'] = pendingSteps(0)

export const branchesCreated = (task: LiveTask, event: BranchesCreated, at: Instant): LiveTask => {
  const { graph } = task
  const steps = [...task.steps]
  const [created, notTaken] = [createdStep(at), notTakenStep(at)]
  for (const name of event.steps) replaceUncreated(steps, indexIn(graph, name), created)
  for (const name of event.notTaken) replaceUncreated(steps, indexIn(graph, name), notTaken)
  const choices = new Map(task.choices)
  choices.set(
    indexIn(graph, event.decision),
    event.chosen.map((name) => indexIn(graph, name)),
  )
  return recounted({ ...task, updatedAt: at, steps, choices })
}

export const batchesCreated = (task: LiveTask, event: BatchesCreated, at: Instant): LiveTask => {
  const batchable = indexIn(task.graph, event.batchable)
  const spec = task.plan.batches.find((one) => one.batchable === batchable)
  if (spec === undefined) throw new BugError(`${event.batchable} has no worker template`)
  invariant(event.steps.length === event.ranges.length, 'a batch has one worker a range')
  const first = task.graph.steps.length
  const created = createdStep(at)
  const steps: StepState[] = [...task.steps]
  replaceUncreated(steps, spec.workerTemplate, notTakenStep(at))
  for (let n = 0; n < event.steps.length; n++) steps.push(created)
  const graph = event.steps.length === 0 ? task.graph : withWorkers(task.graph, spec.workerTemplate, event.steps)
  const run: BatchRun = { spec, first, ranges: event.ranges, isNoOp: event.isNoOp }
  return recounted({ ...task, updatedAt: at, graph, steps, batches: [...task.batches, run] })
}

/** Handlers that a durable function calls. */
export const callsCreated = (task: LiveTask, { steps: names, calls }: CallsCreated, at: Instant): LiveTask => {
  const created = createdStep(at)
  const specs = calls.map((call, index) => callStep(elementAt(names, index, 'a step of a call'), call))
  const { steps, unmet, counts } = task
  return {
    ...task,
    updatedAt: at,
    graph: withCalls(task.graph, specs),
    steps: [...steps, ...calls.map(() => created)],
    unmet: [...unmet, ...calls.map(() => 0)],
    counts: { ...counts, pending: counts.pending + calls.length },
  }
}

/** The function goes on from its beginning: what it called before is part of its history, and of its state no more. */
export const withoutCalls = (task: LiveTask): LiveTask => {
  const { plan, graph, steps, checkpoints } = task
  if (graph === plan) return task
  const listed = plan.steps.length
  const kept = new Map([...checkpoints].filter(([index]) => index < listed))
  return recounted({ ...task, graph: plan, steps: steps.slice(0, listed), checkpoints: kept })
}

const replaceUncreated = (steps: StepState[], index: number, to: StepState): void => {
  const from = elementAt(steps, index, 'steps')
  if (from.status !== 'uncreated') throw new BugError(`a step that is ${from.status} is created`)
  steps[index] = to
}

/** Counts everything anew: this happens once a decision or batch. */
const recounted = (task: LiveTask): LiveTask => {
  const counts: { -readonly [Status in StepStatus]: number } = { ...NO_STEPS }
  for (const { status } of task.steps) counts[status] += 1
  return { ...task, counts, unmet: unmetOf(task) }
}

/** Per step, how many of its dependencies do not let it go on yet. */
export const unmetOf = (task: LiveTask): readonly number[] => {
  const passed = task.steps.map((_, index) => letsOthersGoOn(task, index))
  return task.graph.dependencies.map((list) => list.filter((index) => passed[index] !== true).length)
}

const indexIn = (graph: StepGraph, name: StepId): number => {
  const index = graph.indexOf.get(name)
  if (index === undefined) throw new BugError(`the task has no step ${name}`)
  return index
}
