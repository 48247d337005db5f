/** `GET /v1/analytics/…`: how tasks do, from sums the projections keep. */
import { instantText, type Json, jsonOf } from '@tasker/core'
import type { z } from 'zod'
import { bottlenecks, performance } from '../../query/analyse.js'
import type { Slow } from '../../query/bottlenecks.js'
import type { RestDoor } from '../door.js'
import { type App, sendJson } from '../route.js'
import { BOTTLENECKS, BOTTLENECKS_QUERY, PERFORMANCE, PERFORMANCE_QUERY } from '../schema/analytics.js'
import { problems } from '../schema/problem.js'

export const addAnalyticsRoutes = (app: App, door: RestDoor): void => {
  const tags = ['analytics']
  app.get(
    '/v1/analytics/performance',
    {
      schema: {
        tags,
        summary: 'How tasks did in the last hours',
        querystring: PERFORMANCE_QUERY,
        response: { 200: PERFORMANCE, ...problems(422, 503) },
      },
    },
    async ({ query }, reply) => {
      const found = await performance(door.analytics, query.hours)
      const answer: z.input<typeof PERFORMANCE> = {
        total_tasks: found.totalTasks,
        active_tasks: found.activeTasks,
        completed_tasks: found.completedTasks,
        failed_tasks: found.failedTasks,
        cancelled_tasks: found.cancelledTasks,
        completion_rate: found.completionRate,
        error_rate: found.errorRate,
        average_task_duration_seconds: found.averageTaskDurationSeconds,
        average_step_duration_seconds: found.averageStepDurationSeconds,
        tasks_per_hour: found.tasksPerHour,
        steps_per_hour: found.stepsPerHour,
        system_health_score: found.systemHealthScore,
        analysis_period_start: instantText(found.analysisPeriodStart),
        calculated_at: instantText(found.calculatedAt),
      }
      return sendJson(reply, 200, jsonOf(answer))
    },
  )
  app.get(
    '/v1/analytics/bottlenecks',
    {
      schema: {
        tags,
        summary: 'The slowest steps and templates, and what to do about them',
        querystring: BOTTLENECKS_QUERY,
        response: { 200: BOTTLENECKS, ...problems(422, 503) },
      },
    },
    async ({ query }, reply) => {
      const found = await bottlenecks(door.analytics, query.hours, { itemsMax: query.limit, executionsMin: query.min_executions })
      return sendJson(
        reply,
        200,
        jsonOf({
          slow_steps: found.slowSteps.map(slowJson),
          slow_tasks: found.slowTasks.map(slowJson),
          resource_utilization: {
            database_pool_utilization: found.databasePoolUtilization,
            system_health: Object.fromEntries(found.statuses),
          },
          recommendations: found.recommendations,
        }),
      )
    },
  )
}

const slowJson = (slow: Slow): { readonly [field: string]: Json } => ({
  namespace_name: slow.namespace,
  task_name: slow.name,
  version: slow.version,
  ...(slow.step === undefined ? {} : { step_name: slow.step }),
  average_duration_seconds: slow.averageDurationSeconds,
  max_duration_seconds: slow.maxDurationSeconds,
  execution_count: slow.executions,
  error_count: slow.errors,
  error_rate: slow.errorRate,
  last_executed_at: instantText(slow.lastExecutedAt),
  ...(slow.averageStepCount === undefined ? {} : { average_step_count: slow.averageStepCount }),
})
