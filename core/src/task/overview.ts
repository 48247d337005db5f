/** A task at a glance: how many of its steps are where, how well it does, and what it waits for to be done. */
import { elementAt, unreachable } from '../kernel/invariant.js'
import { isTerminal, type LiveTask } from './state.js'
import { existingSteps, isSatisfied } from './step-groups.js'

export type ExecutionStatus =
  | 'has_ready_steps'
  | 'processing'
  | 'blocked_by_failures'
  | 'all_complete'
  | 'waiting_for_dependencies'

export type RecommendedAction = 'execute_ready_steps' | 'wait_for_completion' | 'handle_failures' | 'wait_for_dependencies'

export interface TaskOverview {
  /** Steps that exist. */
  readonly totalSteps: number
  /** Steps that wait for others, or for a retry. */
  readonly pendingSteps: number
  readonly inProgressSteps: number
  /** Steps that are done, so that what depends on them may run. */
  readonly completedSteps: number
  readonly failedSteps: number
  /** Steps that wait for a worker. */
  readonly readySteps: number
  /** From 0 to 100; 100 for a task without steps. */
  readonly completionPercentage: number
  readonly executionStatus: ExecutionStatus
  /** Undefined once the task has ended: nothing is left to do. */
  readonly recommendedAction: RecommendedAction | undefined
  /** `recovering` while a step waits for a retry, `blocked` when only a person can help. */
  readonly healthStatus: 'healthy' | 'recovering' | 'blocked'
}

export const taskOverview = (task: LiveTask): TaskOverview => {
  const { counts } = task
  const existing = existingSteps(task)
  const totalSteps = existing.length
  const completedSteps = existing.filter((index) => isSatisfied(elementAt(task.steps, index, 'steps').status)).length
  const executionStatus = executionStatusOf(task)
  return {
    totalSteps,
    pendingSteps: counts.pending + counts.waiting_for_retry,
    inProgressSteps: counts.in_progress,
    completedSteps,
    failedSteps: counts.error,
    readySteps: counts.enqueued,
    completionPercentage: totalSteps === 0 ? 100 : Math.round((completedSteps / totalSteps) * 1_000) / 10,
    executionStatus,
    recommendedAction: isTerminal(task.phase) ? undefined : actionFor(executionStatus),
    healthStatus: task.phase === 'blocked' ? 'blocked' : counts.waiting_for_retry > 0 ? 'recovering' : 'healthy',
  }
}

/** A block outranks what runs beside it only once nothing does, so it is looked for in the phase. */
const executionStatusOf = ({ phase, counts }: LiveTask): ExecutionStatus => {
  if (phase === 'blocked') return 'blocked_by_failures'
  if (isTerminal(phase)) return 'all_complete'
  if (counts.in_progress > 0) return 'processing'
  return counts.enqueued > 0 ? 'has_ready_steps' : 'waiting_for_dependencies'
}

const actionFor = (status: ExecutionStatus): RecommendedAction | undefined => {
  switch (status) {
    case 'has_ready_steps':
      return 'execute_ready_steps'
    case 'processing':
      return 'wait_for_completion'
    case 'blocked_by_failures':
      return 'handle_failures'
    case 'waiting_for_dependencies':
      return 'wait_for_dependencies'
    case 'all_complete':
      return undefined
    default:
      return unreachable(status)
  }
}
