/** How tasks did in the last hours, as figures. */
import type { ActivityRow, Instant, TaskStatus } from '@tasker/core'

/** Rates and shares are from 0 to 1; averages over nothing are 0. */
export interface Performance {
  /** Submitted in the period. */
  readonly totalTasks: number
  /** Submitted at any time and not ended. */
  readonly activeTasks: number
  readonly completedTasks: number
  readonly failedTasks: number
  readonly cancelledTasks: number
  /** Of the tasks that ended in the period, the share that completed. */
  readonly completionRate: number
  /** Of the tasks that ended in the period, the share that failed. */
  readonly errorRate: number
  /** From the submission to the end. */
  readonly averageTaskDurationSeconds: number
  /** From the first start to the end, retries and their waits included. */
  readonly averageStepDurationSeconds: number
  /** Tasks that completed or failed. */
  readonly tasksPerHour: number
  readonly stepsPerHour: number
  /** 100 is well: less by the share of ended tasks that failed, and by the share of the period's tasks that are blocked. */
  readonly systemHealthScore: number
  readonly analysisPeriodStart: Instant
  readonly calculatedAt: Instant
}

export interface PerformanceBasis {
  readonly activity: readonly ActivityRow[]
  readonly activeTasks: number
  readonly statuses: ReadonlyMap<TaskStatus, number>
  readonly since: Instant
  readonly now: Instant
}

const HOUR_MS = 3_600_000

export const performanceOf = ({ activity, activeTasks, statuses, since, now }: PerformanceBasis): Performance => {
  const tasks = totalOf(activity.filter(({ step }) => step === undefined))
  const steps = totalOf(activity.filter(({ step }) => step !== undefined))
  const ended = tasks.completed + tasks.failed + tasks.cancelled
  const hours = Math.max(now - since, 1) / HOUR_MS
  const errorRate = share(tasks.failed, ended)
  const blocked = share(statuses.get('blocked_by_failures') ?? 0, sum([...statuses.values()]))
  return {
    totalTasks: tasks.submitted,
    activeTasks,
    completedTasks: tasks.completed,
    failedTasks: tasks.failed,
    cancelledTasks: tasks.cancelled,
    completionRate: share(tasks.completed, ended),
    errorRate,
    averageTaskDurationSeconds: averageSeconds(tasks),
    averageStepDurationSeconds: averageSeconds(steps),
    tasksPerHour: (tasks.completed + tasks.failed) / hours,
    stepsPerHour: (steps.completed + steps.failed) / hours,
    systemHealthScore: Math.round(100 * (1 - errorRate) * (1 - blocked)),
    analysisPeriodStart: since,
    calculatedAt: now,
  }
}

interface Total {
  readonly submitted: number
  readonly completed: number
  readonly failed: number
  readonly cancelled: number
  readonly durationMs: number
}

const totalOf = (rows: readonly ActivityRow[]): Total => ({
  submitted: sum(rows.map((row) => row.submitted)),
  completed: sum(rows.map((row) => row.completed)),
  failed: sum(rows.map((row) => row.failed)),
  cancelled: sum(rows.map((row) => row.cancelled)),
  durationMs: sum(rows.map((row) => row.durationMsSum)),
})

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

const averageSeconds = ({ durationMs, completed, failed }: Total): number => share(durationMs, completed + failed) / 1_000
