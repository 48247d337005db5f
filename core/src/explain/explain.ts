/** Explain: why each step that is not running is not, down to the root causes, and what would make it go on. */
import { elementAt } from '../kernel/invariant.js'
import type { TaskId } from '../kernel/ids.js'
import { LIMITS } from '../limits.js'
import type { LiveTask } from '../task/state.js'
import { taskStatus, type TaskStatus } from '../task/status.js'
import { chainOf, type LinkBudget } from './chain.js'
import type { StepExplanation, Surroundings, TaskReason } from './reasons.js'
import { stepCommands } from './remedies.js'
import { stepReason } from './step-reason.js'
import { taskReasons } from './task-reasons.js'

export interface TaskExplanation {
  readonly status: TaskStatus
  readonly reasons: readonly TaskReason[]
  /** Steps that run, are done or were never asked for are not among them. */
  readonly steps: readonly StepExplanation[]
}

/** Without surroundings it is told what the log of the task alone knows: that is for a moment of the past, and nobody can do anything then. */
export const explainTask = (taskId: TaskId, task: LiveTask, around: Surroundings | undefined): TaskExplanation => {
  const told = task.steps.map((_, index) => stepReason(task, index, around))
  const budget: LinkBudget = { left: LIMITS.explainLinksMax }
  let helped = 0
  const steps = told.flatMap((own, index): StepExplanation[] => {
    if (own === undefined) return []
    const { byHand, waitsFor = [], ...more } = own
    const { name } = elementAt(task.graph.steps, index, 'steps of the graph')
    const { status, since } = elementAt(task.steps, index, 'steps')
    const isHelped = byHand === true && around !== undefined && helped++ < LIMITS.explainCommandsMax
    const commands = isHelped ? stepCommands(taskId, task, name) : []
    const rest = { until: undefined, heldBy: [], inputs: [], waitsFor, commands, ...chainOf(task, waitsFor, told, budget) }
    return [{ step: name, status, since, ...rest, ...more }]
  })
  return { status: taskStatus(task), reasons: taskReasons(taskId, task, around === undefined), steps }
}
