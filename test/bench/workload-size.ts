/** The same loads for a look: seconds instead of minutes, and nothing that is worth keeping. */
import type { Load } from './workloads.js'

const WARMUP_MS_MAX = 500
const WINDOW_MS_MAX = 3_000
const TASKS_MAX = 50
const BACKLOG_MAX = 1_000
const TIMERS_MAX = 200

export const shortened = (load: Load): Load => {
  switch (load.type) {
    case 'closed_loop': {
      const { until } = load
      const shorter = 'ms' in until ? { ms: Math.min(until.ms, WINDOW_MS_MAX) } : { tasks: Math.min(until.tasks, TASKS_MAX) }
      return { ...load, warmupMs: Math.min(load.warmupMs, WARMUP_MS_MAX), until: shorter }
    }
    case 'paced':
      return { ...load, warmupMs: Math.min(load.warmupMs, WARMUP_MS_MAX), ms: Math.min(load.ms, WINDOW_MS_MAX) }
    case 'clocked':
      return { ...load, tasks: Math.min(load.tasks, 2), warmupTasks: 1 }
    case 'backlog':
      return { ...load, tasks: Math.min(load.tasks, BACKLOG_MAX) }
    case 'timers':
      return { ...load, tasks: Math.min(load.tasks, TIMERS_MAX), warmupMs: WARMUP_MS_MAX }
  }
}
