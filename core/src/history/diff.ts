/** What is different about two tasks: where they parted, and what each has that the other has not. */
import type { Instant } from '../kernel/instant.js'
import { elementAt } from '../kernel/invariant.js'
import { stepId, type StepId } from '../kernel/ids.js'
import { jsonChanges } from '../kernel/json-diff.js'
import { parseJson } from '../kernel/json-scan.js'
import { type Json, JSON_NULL, type JsonText } from '../kernel/json.js'
import { type Shown, shownText, shownValue } from '../kernel/shown.js'
import { LIMITS } from '../limits.js'
import { attemptsStarted } from '../task/attempts.js'
import { outputOf } from '../task/compensation.js'
import { taskResult } from '../task/outcome.js'
import type { LiveTask, StepStatus } from '../task/state.js'
import { taskStatus, type TaskStatus } from '../task/status.js'
import { doesExist } from '../task/step-groups.js'
import { isOfStep, type Mark, type StepTimes, type TaskDigest } from './digest.js'

export interface Sides<Value> {
  readonly a: Value
  readonly b: Value
}

export interface Divergence {
  /** Undefined when it is about the task as a whole. */
  readonly step: StepId | undefined
  /** Which of the comparable events of that step, or of the task, from 1. */
  readonly number: number
  /** Undefined for the side that has no such event. */
  readonly events: Sides<Mark | undefined>
}

export interface PayloadChange {
  readonly path: string
  readonly before: Shown | undefined
  readonly after: Shown | undefined
}

export interface StepDiff {
  readonly step: StepId
  readonly status: Sides<StepStatus>
  /** Attempts that were given to workers. */
  readonly attempts: Sides<number>
  readonly failure: Sides<string | undefined>
  readonly output: readonly PayloadChange[]
  /** The outputs differ though context and the outputs of its dependencies are the same. */
  readonly sameInputOtherOutput: boolean
  readonly times: Sides<StepTimes>
}

export interface TaskDiff {
  /** Nothing differs but times. */
  readonly same: boolean
  readonly template: Sides<string>
  readonly sameTemplate: boolean
  readonly status: Sides<TaskStatus>
  readonly submittedAt: Sides<Instant>
  readonly durationMs: Sides<number>
  /** The events that were compared are the same as far as they go, when undefined. */
  readonly firstDivergence: Divergence | undefined
  readonly context: readonly PayloadChange[]
  readonly result: readonly PayloadChange[]
  readonly onlyIn: Sides<readonly StepId[]>
  /** Steps that both have, in the order of `a`. */
  readonly steps: readonly (StepDiff & { readonly differs: boolean })[]
  /** Something is left out: events, changed places or steps beyond the limits. */
  readonly cut: boolean
}

/** Both are folded to their ends. */
export const diffTasks = (a: TaskDigest, b: TaskDigest, [first, second]: readonly [LiveTask, LiveTask]): TaskDiff => {
  const changes = new Changes()
  const [names, others] = [namesOf(first), namesOf(second)]
  const onlyIn = { a: without(names, others), b: without(others, names) }
  const shared = without(names, onlyIn.a)
  const context = changes.between(first.submitted.context, second.submitted.context)
  const compared = shared.slice(0, LIMITS.diffStepsMax).map((name) => stepDiff({ a, b, first, second, changes }, name))
  // Last, because it repeats the outputs of the steps.
  const result = changes.between(resultOf(first), resultOf(second))
  const firstDivergence = divergenceOf(a, b)
  const sameTemplate = templateOf(first) === templateOf(second) && first.submitted.templateHash === second.submitted.templateHash
  const status = { a: taskStatus(first), b: taskStatus(second) }
  const apart = firstDivergence !== undefined || context.length + result.length + onlyIn.a.length + onlyIn.b.length > 0
  return {
    same: sameTemplate && status.a === status.b && !apart && !compared.some(({ differs }) => differs),
    template: { a: templateOf(first), b: templateOf(second) },
    sameTemplate,
    status,
    submittedAt: { a: first.submittedAt, b: second.submittedAt },
    durationMs: { a: durationOf(first), b: durationOf(second) },
    firstDivergence,
    context,
    result,
    onlyIn: { a: onlyIn.a.slice(0, LIMITS.diffStepsMax), b: onlyIn.b.slice(0, LIMITS.diffStepsMax) },
    steps: compared,
    cut: changes.cut || a.isCut || b.isCut || Math.max(shared.length, onlyIn.a.length, onlyIn.b.length) > LIMITS.diffStepsMax,
  }
}

const templateOf = ({ submitted }: LiveTask): string => `${submitted.namespace}/${submitted.name}@${submitted.version}`
const durationOf = ({ submittedAt, endedAt, updatedAt }: LiveTask): number => (endedAt ?? updatedAt) - submittedAt
const resultOf = (task: LiveTask): JsonText => (task.phase === 'completed' ? taskResult(task) : JSON_NULL)

const namesOf = (task: LiveTask): readonly StepId[] =>
  task.steps.flatMap(({ status }, index) =>
    doesExist(status) ? [elementAt(task.graph.steps, index, 'steps of the graph').name] : [],
  )

const without = (names: readonly StepId[], others: readonly StepId[]): readonly StepId[] => {
  const known = new Set(others)
  return names.filter((name) => !known.has(name))
}

interface Pair {
  readonly a: TaskDigest
  readonly b: TaskDigest
  readonly first: LiveTask
  readonly second: LiveTask
  readonly changes: Changes
}

const stepDiff = (pair: Pair, step: StepId): TaskDiff['steps'][number] => {
  const { a, b, first, second, changes } = pair
  const [left, right] = [indexIn(first, step), indexIn(second, step)]
  const [from, to] = [elementAt(first.steps, left, 'steps'), elementAt(second.steps, right, 'steps')]
  const [before, after] = [outputOf(first, left), outputOf(second, right)]
  const output = changes.between(before ?? JSON_NULL, after ?? JSON_NULL)
  const attempts = { a: attemptsStarted(from), b: attemptsStarted(to) }
  const failure = { a: from.lastFailure?.message, b: to.lastFailure?.message }
  const bothGave = before !== undefined && after !== undefined && output.length > 0
  return {
    step,
    status: { a: from.status, b: to.status },
    attempts,
    failure,
    output,
    sameInputOtherOutput: bothGave && haveSameInputs(first, second, left),
    times: { a: a.timesOf(step), b: b.timesOf(step) },
    differs: from.status !== to.status || attempts.a !== attempts.b || failure.a !== failure.b || output.length > 0,
  }
}

const indexIn = (task: LiveTask, step: StepId): number => task.graph.indexOf.get(step) ?? -1

const haveSameInputs = (first: LiveTask, second: LiveTask, index: number): boolean =>
  isSameContent(first.submitted.context, second.submitted.context) &&
  elementAt(first.graph.dependencies, index, 'dependencies').every((dependency) => {
    const { name } = elementAt(first.graph.steps, dependency, 'steps of the graph')
    const other = second.graph.indexOf.get(name)
    return other !== undefined && isSameContent(outputOf(first, dependency) ?? JSON_NULL, outputOf(second, other) ?? JSON_NULL)
  })

const isSameContent = (a: JsonText, b: JsonText): boolean =>
  a === b || jsonChanges(parseJson(a), parseJson(b), 1).changes.length === 0

/** Changes of payloads, up to a number in all. */
class Changes {
  #left: number = LIMITS.diffChangesMax
  cut = false

  /** At least one for payloads that differ, as long as there is any left. */
  between(before: JsonText, after: JsonText): readonly PayloadChange[] {
    if (before === after) return []
    if (this.#left === 0) return this.#wholly(before, after)
    const { changes, cut } = jsonChanges(parseJson(before), parseJson(after), this.#left)
    this.#left -= changes.length
    this.cut ||= cut
    return changes.map((change) => ({ path: change.path, before: shown(change.before), after: shown(change.after) }))
  }

  /** Told by their beginnings: nobody looks for the places that differ any more. */
  #wholly(before: JsonText, after: JsonText): readonly PayloadChange[] {
    if (isSameContent(before, after)) return []
    this.cut = true
    return [
      { path: '', before: shownText(before, LIMITS.shownValueCharsMax), after: shownText(after, LIMITS.shownValueCharsMax) },
    ]
  }
}

const shown = (value: Json | undefined): Shown | undefined =>
  value === undefined ? undefined : shownValue(value, LIMITS.shownValueCharsMax)

/** The earliest of the places where the histories of a step, or of the task, differ. */
const divergenceOf = (a: TaskDigest, b: TaskDigest): Divergence | undefined => {
  let earliest: Divergence | undefined
  for (const subject of new Set([...a.marks.keys(), ...b.marks.keys()])) {
    const found = divergenceIn(subject, a.marks.get(subject) ?? [], b.marks.get(subject) ?? [])
    if (found !== undefined && (earliest === undefined || versionOf(found) < versionOf(earliest))) earliest = found
  }
  return earliest
}

const divergenceIn = (subject: string, a: readonly Mark[], b: readonly Mark[]): Divergence | undefined => {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index], b[index]]
    if (left !== undefined && left.type === right?.type && left.said === right.said) continue
    const step = isOfStep(subject) ? stepId(subject) : undefined
    return { step, number: index + 1, events: { a: left, b: right } }
  }
  return undefined
}

const versionOf = ({ events: { a, b } }: Divergence): number => Math.min(a?.version ?? Infinity, b?.version ?? Infinity)
