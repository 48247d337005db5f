/** Steps a second by how many workers share the work. */
import type { ByForm } from '../form.js'
import type { Growth, Point } from './growth.js'
import { throughputAt, windowOf } from './throughput-at.js'

const WORKERS: ByForm<readonly number[]> = { short: [1, 10], full: [1, 10, 100] }
const SLOTS = 1_000

export const workers: Growth = {
  name: 'workers',
  title: 'Workers',
  says:
    `Four steps one after another, 200 tasks in flight; so many workers share ${SLOTS.toLocaleString('en')} slots. Each has a connection and a stream of its own; all are in ` +
    'one process, so that what is seen is what more workers cost the server, and not what more processes cost a small machine.',
  x: { field: 'workers', label: 'workers', scale: 'log' },
  plots: [{ name: 'rate', title: 'Steps a second', unit: 'steps/s', series: [{ field: 'steps_per_s', label: 'steps/s' }] }],
  columns: [
    { field: 'p50_ms', label: 'p50, ms' },
    { field: 'p99_ms', label: 'p99, ms' },
    { field: 'cpu_s_per_1000_steps', label: 'CPU s for 1,000 steps' },
    { field: 'server_cpu', label: 'of that the server' },
    { field: 'foreign_cores', label: 'cores busy with else' },
  ],
  play: async (form, say) => {
    const points: Point[] = []
    for (const count of WORKERS[form]) {
      const load = { type: 'closed_loop', shape: 'linear_4', inFlight: 200, ...windowOf(form) } as const
      const run = await throughputAt(load, { slots: SLOTS, workers: count })
      const { steps_per_s, p50_ms, p99_ms, cpu_s_per_1000_steps, cpu_by_process, foreign_cores } = run
      const server_cpu = cpu_by_process['server'] ?? 0
      points.push({ workers: count, steps_per_s, p50_ms, p99_ms, cpu_s_per_1000_steps, server_cpu, foreign_cores })
      say(JSON.stringify(points.at(-1)))
    }
    return points
  },
}
