/** Where time and attempts go: the slowest steps and templates, and what to do about them. */
import type { ActivityRow, Instant, TaskStatus } from '@tasker/core'
import type { QueueInfo } from '../engine/api.js'

/** One template, or one step of it, over the period. Durations are of what completed or failed. */
export interface Slow {
  readonly namespace: string
  readonly name: string
  readonly version: string
  readonly step: string | undefined
  readonly averageDurationSeconds: number
  readonly maxDurationSeconds: number
  readonly executions: number
  /** What failed for good, and failed attempts that were tried again. */
  readonly errors: number
  /** Errors an execution. */
  readonly errorRate: number
  readonly lastExecutedAt: Instant
  /** Steps a task had; undefined for a step. */
  readonly averageStepCount: number | undefined
}

export interface Bottlenecks {
  readonly slowSteps: readonly Slow[]
  readonly slowTasks: readonly Slow[]
  readonly databasePoolUtilization: number
  readonly statuses: ReadonlyMap<TaskStatus, number>
  readonly recommendations: readonly string[]
}

export interface BottleneckBasis {
  readonly activity: readonly ActivityRow[]
  readonly statuses: ReadonlyMap<TaskStatus, number>
  readonly poolUse: number
  readonly queues: readonly QueueInfo[]
  readonly itemsMax: number
  readonly executionsMin: number
}

/** From these on something is worth a sentence. */
const ERROR_RATE_HIGH = 0.1
const POOL_USE_HIGH = 0.8
const RECOMMENDATIONS_MAX = 20

export const bottlenecksOf = (basis: BottleneckBasis): Bottlenecks => {
  const rows = basis.activity.map(slowOf).filter(({ executions }) => executions >= basis.executionsMin)
  const slowest = rows.toSorted((a, b) => b.averageDurationSeconds - a.averageDurationSeconds)
  const erring = rows.toSorted((a, b) => b.errorRate - a.errorRate).filter(({ errorRate }) => errorRate >= ERROR_RATE_HIGH)
  return {
    slowSteps: slowest.filter(({ step }) => step !== undefined).slice(0, basis.itemsMax),
    slowTasks: slowest.filter(({ step }) => step === undefined).slice(0, basis.itemsMax),
    databasePoolUtilization: basis.poolUse,
    statuses: basis.statuses,
    recommendations: [...unserved(basis.queues), ...erring.map(errorAdvice), ...blockedAdvice(basis), ...poolAdvice(basis)].slice(
      0,
      RECOMMENDATIONS_MAX,
    ),
  }
}

const slowOf = (row: ActivityRow): Slow => {
  const executions = row.completed + row.failed
  const errors = row.failed + row.retried
  return {
    namespace: row.namespace,
    name: row.name,
    version: row.version,
    step: row.step,
    averageDurationSeconds: executions === 0 ? 0 : row.durationMsSum / executions / 1_000,
    maxDurationSeconds: row.durationMsMax / 1_000,
    executions,
    errors,
    errorRate: executions === 0 ? 0 : errors / executions,
    lastExecutedAt: row.lastEndedAt,
    averageStepCount: row.step === undefined && executions > 0 ? row.steps / (executions + row.cancelled) : undefined,
  }
}

const unserved = (queues: readonly QueueInfo[]): readonly string[] =>
  queues
    .filter(({ waiting, workers }) => waiting > 0 && workers === 0)
    .map(
      ({ namespace, handler, waiting }) =>
        `${waiting} steps wait for ${handler} in ${namespace} and no worker offers it: start one, or correct its handlers.`,
    )

const errorAdvice = (slow: Slow): string => {
  const subject = slow.step === undefined ? `Tasks of ${titleOf(slow)}` : `Step ${slow.step} of ${titleOf(slow)}`
  return `${subject} had ${slow.errors} errors in ${slow.executions} executions: look at their last failures.`
}

const titleOf = ({ namespace, name, version }: Slow): string => `${namespace}/${name} ${version}`

const blockedAdvice = ({ statuses }: BottleneckBasis): readonly string[] => {
  const blocked = statuses.get('blocked_by_failures') ?? 0
  return blocked === 0 ? [] : [`${blocked} tasks are blocked by failures and wait for a person.`]
}

const poolAdvice = ({ poolUse }: BottleneckBasis): readonly string[] =>
  poolUse < POOL_USE_HIGH
    ? []
    : [`${Math.round(poolUse * 100)} % of the readers' connections are in use: ask for lists less often.`]
