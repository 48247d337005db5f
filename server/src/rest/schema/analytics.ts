/** Analytics: what is asked and what is answered. */
import { z } from 'zod'
import { ANALYTICS_LIMITS } from '../../query/analytics.js'
import { wholeNumberText } from './fields.js'

const { hoursDefault, hoursMax, itemsDefault, itemsMax, executionsMinDefault } = ANALYTICS_LIMITS

export const PERFORMANCE_QUERY = z.strictObject({
  hours: wholeNumberText(1, hoursMax).default(hoursDefault).describe('How far back, up to now.'),
})

export const BOTTLENECKS_QUERY = z.strictObject({
  hours: wholeNumberText(1, hoursMax).default(hoursDefault).describe('How far back, up to now.'),
  limit: wholeNumberText(1, itemsMax).default(itemsDefault).describe('Steps, and templates, at most.'),
  min_executions: wholeNumberText(1, Number.MAX_SAFE_INTEGER)
    .default(executionsMinDefault)
    .describe('What ran less often is left out.'),
})

const count = z.number().int()

export const PERFORMANCE = z.object({
  total_tasks: count,
  active_tasks: count,
  completed_tasks: count,
  failed_tasks: count,
  cancelled_tasks: count,
  completion_rate: z.number(),
  error_rate: z.number(),
  average_task_duration_seconds: z.number(),
  average_step_duration_seconds: z.number(),
  tasks_per_hour: z.number(),
  steps_per_hour: z.number(),
  system_health_score: z.number(),
  analysis_period_start: z.iso.datetime(),
  calculated_at: z.iso.datetime(),
})

const SLOW = z.object({
  namespace_name: z.string(),
  task_name: z.string(),
  version: z.string(),
  step_name: z.string().optional(),
  average_duration_seconds: z.number(),
  max_duration_seconds: z.number(),
  execution_count: count,
  error_count: count,
  error_rate: z.number(),
  last_executed_at: z.iso.datetime(),
  average_step_count: z.number().optional(),
})

export const BOTTLENECKS = z.object({
  slow_steps: z.array(SLOW),
  slow_tasks: z.array(SLOW),
  resource_utilization: z.object({
    database_pool_utilization: z.number(),
    system_health: z.record(z.string(), count).describe('Tasks of the period by status.'),
  }),
  recommendations: z.array(z.string()),
})
