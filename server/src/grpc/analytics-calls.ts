/** The calls of `AnalyticsService`. */
import type {
  GetBottleneckAnalysisRequest,
  GetBottleneckAnalysisResponse,
  GetPerformanceMetricsRequest,
  GetPerformanceMetricsResponse,
  SlowPart,
} from '@tasker/proto'
import { Fault } from '../faults.js'
import { bottlenecks, performance } from '../query/analyse.js'
import { ANALYTICS_LIMITS } from '../query/analytics.js'
import type { Slow } from '../query/bottlenecks.js'
import type { GrpcDoor } from './door.js'

const { hoursDefault, hoursMax, itemsDefault, itemsMax, executionsMinDefault } = ANALYTICS_LIMITS

export const getPerformance = async (
  door: GrpcDoor,
  request: GetPerformanceMetricsRequest,
): Promise<GetPerformanceMetricsResponse> => {
  const { analysisPeriodStart, calculatedAt, ...figures } = await performance(door.analytics, hoursOf(request.hours))
  return { ...figures, analysisPeriodStartMs: analysisPeriodStart, calculatedAtMs: calculatedAt }
}

export const getBottlenecks = async (
  door: GrpcDoor,
  request: GetBottleneckAnalysisRequest,
): Promise<GetBottleneckAnalysisResponse> => {
  const found = await bottlenecks(door.analytics, hoursOf(request.hours), {
    itemsMax: within('limit', request.limit, itemsDefault, itemsMax),
    executionsMin: request.minExecutions === 0 ? executionsMinDefault : request.minExecutions,
  })
  return {
    slowSteps: found.slowSteps.map(slowPart),
    slowTasks: found.slowTasks.map(slowPart),
    databasePoolUtilization: found.databasePoolUtilization,
    systemHealth: Object.fromEntries(found.statuses),
    recommendations: [...found.recommendations],
  }
}

const hoursOf = (hours: number): number => within('hours', hours, hoursDefault, hoursMax)

/** 0 is what a field says that was not set. */
const within = (field: string, value: number, usual: number, max: number): number => {
  if (value > max) throw tooMuch(field, value, max)
  return value === 0 ? usual : value
}

const tooMuch = (field: string, value: number, max: number): Fault => {
  const message = `${field} is ${value}; at most ${max} is allowed`
  return new Fault({
    code: 'INVALID_INPUT',
    reason: 'INVALID_REQUEST',
    message: `${message}.`,
    retryable: false,
    errors: [{ code: 'OUT_OF_RANGE', message, path: `/${field}` }],
  })
}

const slowPart = (slow: Slow): SlowPart => ({
  namespaceName: slow.namespace,
  taskName: slow.name,
  version: slow.version,
  stepName: slow.step ?? '',
  averageDurationSeconds: slow.averageDurationSeconds,
  maxDurationSeconds: slow.maxDurationSeconds,
  executionCount: slow.executions,
  errorCount: slow.errors,
  errorRate: slow.errorRate,
  lastExecutedAtMs: slow.lastExecutedAt,
  averageStepCount: slow.averageStepCount ?? 0,
})
