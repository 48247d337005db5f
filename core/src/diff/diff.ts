/** Diff: where two runs part, and in what they differ. Ids, instants, workers and the order of steps beside each other are no difference. */
import { elementAt } from '../kernel/invariant.js'
import type { StepId, TaskId } from '../kernel/ids.js'
import type { Json, JsonText } from '../kernel/json.js'
import { parseJson } from '../kernel/json-scan.js'
import { LIMITS } from '../limits.js'
import { outputOf } from '../task/compensation.js'
import type { RecordedTaskEvent } from '../task/recorded.js'
import type { LiveTask, StepState, StepStatus } from '../task/state.js'
import { taskStatus, type TaskStatus } from '../task/status.js'
import { existingSteps } from '../task/step-groups.js'
import { type JsonChange, jsonChanges } from './json-changes.js'
import { type LaneEvent, lanesOf } from './lanes.js'

/** One of the two runs: its state, and its history from the first event, which may be cut. */
export interface Run {
  readonly taskId: TaskId
  readonly state: LiveTask
  readonly history: readonly RecordedTaskEvent[]
}

export interface Both<Value> {
  readonly a: Value
  readonly b: Value
}

/** The first event of a lane that is not the same in both; undefined on the side whose lane ends before. */
export interface Divergence extends Both<LaneEvent | undefined> {
  readonly step: StepId | undefined
}

export interface StepDifference {
  readonly step: StepId
  /** Undefined where both are the same. */
  readonly status: Both<StepStatus> | undefined
  readonly attempts: Both<number> | undefined
  readonly failure: Both<string | undefined> | undefined
  readonly output: readonly JsonChange[]
}

/** How long a step took, in milliseconds; undefined for what has not happened. */
export interface StepTimes {
  readonly step: StepId
  /** From the start of the task to the step's first attempt. */
  readonly startedAfterMs: Both<number | undefined>
  /** From its first attempt to its end. */
  readonly tookMs: Both<number | undefined>
}

export interface TaskDiff {
  /** Nothing but times differs. */
  readonly same: boolean
  readonly divergence: Divergence | undefined
  readonly status: Both<TaskStatus> | undefined
  /** `name@version` and hash of the templates, where they differ. */
  readonly template: Both<string> | undefined
  readonly input: readonly JsonChange[]
  readonly onlyInA: readonly StepId[]
  readonly onlyInB: readonly StepId[]
  /** Of steps in both, those that differ. */
  readonly steps: readonly StepDifference[]
  readonly tookMs: Both<number | undefined>
  /** Of steps in both. */
  readonly times: readonly StepTimes[]
  /** More than `LIMITS.diffChangesMax` places of one payload differ, or more than `LIMITS.diffStepsMax` steps: what is beyond is left out. */
  readonly isCut: boolean
}

export const diffTasks = (a: Run, b: Run): TaskDiff => {
  const cut = { happened: false }
  const [stepsOfA, stepsOfB] = [stepIndexes(a.state), stepIndexes(b.state)]
  const shared = [...stepsOfA].flatMap(([step, inA]): readonly [StepId, number, number][] => {
    const inB = stepsOfB.get(step)
    return inB === undefined ? [] : [[step, inA, inB]]
  })
  const changes = (left: JsonText | undefined, right: JsonText | undefined): readonly JsonChange[] =>
    bounded(payloadChanges(left, right), LIMITS.diffChangesMax, cut)
  const steps = shared.flatMap(([step, inA, inB]) => stepDifference(step, [a.state, inA], [b.state, inB], changes) ?? [])
  const found = {
    divergence: firstDivergence(a, b),
    status: unlessSame(taskStatus(a.state), taskStatus(b.state)),
    template: unlessSame(templateOf(a.state), templateOf(b.state)),
    input: changes(a.state.submitted.context, b.state.submitted.context),
    onlyInA: [...stepsOfA.keys()].filter((step) => !stepsOfB.has(step)),
    onlyInB: [...stepsOfB.keys()].filter((step) => !stepsOfA.has(step)),
  }
  const { divergence, status, template, input, onlyInA, onlyInB } = found
  return {
    same:
      [divergence, status, template].every((each) => each === undefined) &&
      [input, onlyInA, onlyInB, steps].every(({ length }) => length === 0),
    ...found,
    steps: bounded(steps, LIMITS.diffStepsMax, cut),
    tookMs: { a: tookOf(a.state), b: tookOf(b.state) },
    times: bounded(shared, LIMITS.diffStepsMax, cut).map(([step, inA, inB]) => timesOf(step, [a.state, inA], [b.state, inB])),
    isCut: cut.happened,
  }
}

const bounded = <Each>(all: readonly Each[], max: number, cut: { happened: boolean }): readonly Each[] => {
  if (all.length <= max) return all
  cut.happened = true
  return all.slice(0, max)
}

const stepIndexes = (task: LiveTask): ReadonlyMap<StepId, number> =>
  new Map(existingSteps(task).map((index) => [elementAt(task.graph.steps, index, 'steps of the graph').name, index]))

const payloadChanges = (a: JsonText | undefined, b: JsonText | undefined): readonly JsonChange[] =>
  a === b ? [] : jsonChanges(parsed(a), parsed(b), LIMITS.diffChangesMax + 1)

const unlessSame = <Value>(a: Value, b: Value): Both<Value> | undefined => (a === b ? undefined : { a, b })

const templateOf = ({ submitted: { name, version, templateHash } }: LiveTask): string => `${name}@${version} ${templateHash}`

const tookOf = ({ submittedAt, endedAt }: LiveTask): number | undefined =>
  endedAt === undefined ? undefined : endedAt - submittedAt

const parsed = (text: JsonText | undefined): Json | undefined => (text === undefined ? undefined : parseJson(text))

/** In the order of A's history; what only B has comes after. */
const firstDivergence = (a: Run, b: Run): Divergence | undefined => {
  const [lanesOfA, lanesOfB] = [lanesOf(a.history), lanesOf(b.history)]
  const found = [...new Set([...lanesOfA.keys(), ...lanesOfB.keys()])].flatMap(
    (step) => partingOf(step, lanesOfA.get(step) ?? [], lanesOfB.get(step) ?? []) ?? [],
  )
  const placeOf = ({ a: inA, b: inB }: Divergence): number => inA?.version ?? LATER + (inB?.version ?? 0)
  return found.toSorted((x, y) => placeOf(x) - placeOf(y))[0]
}

/** Behind every version. */
const LATER = Number.MAX_SAFE_INTEGER / 2

const partingOf = (step: StepId | undefined, a: readonly LaneEvent[], b: readonly LaneEvent[]): Divergence | undefined => {
  for (let n = 0; n < Math.max(a.length, b.length); n++) {
    if (a[n]?.text !== b[n]?.text) return { step, a: a[n], b: b[n] }
  }
  return undefined
}

type StepOf = readonly [task: LiveTask, index: number]

const stateOf = ([task, index]: StepOf): StepState => elementAt(task.steps, index, 'steps')

const stepDifference = (
  step: StepId,
  a: StepOf,
  b: StepOf,
  changes: (a: JsonText | undefined, b: JsonText | undefined) => readonly JsonChange[],
): StepDifference | undefined => {
  const [left, right] = [stateOf(a), stateOf(b)]
  const found = {
    status: unlessSame(left.status, right.status),
    attempts: unlessSame(left.attempts, right.attempts),
    failure: unlessSame(left.lastFailure?.message, right.lastFailure?.message),
    output: changes(outputOf(...a), outputOf(...b)),
  }
  const { status, attempts, failure, output } = found
  const same = [status, attempts, failure].every((each) => each === undefined) && output.length === 0
  return same ? undefined : { step, ...found }
}

const timesOf = (step: StepId, a: StepOf, b: StepOf): StepTimes => ({
  step,
  startedAfterMs: { a: startedAfterMs(a), b: startedAfterMs(b) },
  tookMs: { a: stepTookMs(a), b: stepTookMs(b) },
})

const startedAfterMs = (of: StepOf): number | undefined => {
  const { firstStartedAt } = stateOf(of)
  return firstStartedAt === undefined ? undefined : firstStartedAt - of[0].submittedAt
}

const stepTookMs = (of: StepOf): number | undefined => {
  const { status, firstStartedAt, since } = stateOf(of)
  return firstStartedAt === undefined || !ENDED.has(status) ? undefined : since - firstStartedAt
}

const ENDED: ReadonlySet<StepStatus> = new Set(['complete', 'error', 'cancelled', 'resolved_manually', 'compensated'])
