/** Steps a second by how many tasks are in flight. */
import type { ByForm } from '../form.js'
import type { Growth, Point } from './growth.js'
import { throughputAt, windowOf } from './throughput-at.js'

const IN_FLIGHT: ByForm<readonly number[]> = { short: [1, 10, 100], full: [1, 10, 100, 1_000, 10_000] }

export const inFlight: Growth = {
  name: 'in-flight',
  title: 'Tasks in flight',
  says: 'Four steps one after another, so many tasks in flight all the time.',
  x: { field: 'in_flight', label: 'tasks in flight', scale: 'log' },
  plots: [
    { name: 'rate', title: 'Steps a second', unit: 'steps/s', series: [{ field: 'steps_per_s', label: 'steps/s' }] },
    {
      name: 'latency',
      title: 'From submission to result',
      unit: 'ms',
      series: [
        { field: 'p50_ms', label: 'p50, ms' },
        { field: 'p99_ms', label: 'p99, ms' },
      ],
    },
  ],
  columns: [
    { field: 'cpu_s_per_1000_steps', label: 'CPU s for 1,000 steps' },
    { field: 'foreign_cores', label: 'cores busy with else' },
  ],
  play: async (form, say) => {
    const points: Point[] = []
    for (const count of IN_FLIGHT[form]) {
      const run = await throughputAt({ type: 'closed_loop', shape: 'linear_4', inFlight: count, ...windowOf(form) })
      const { steps_per_s, p50_ms, p99_ms, cpu_s_per_1000_steps, foreign_cores } = run
      points.push({ in_flight: count, steps_per_s, p50_ms, p99_ms, cpu_s_per_1000_steps, foreign_cores })
      say(JSON.stringify(points.at(-1)))
    }
    return points
  },
}
