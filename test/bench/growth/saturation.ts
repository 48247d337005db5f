/** Latency by the share of what the machine can do at most. */
import { round } from '../statistics.js'
import type { Growth, Point } from './growth.js'
import { throughputAt, windowOf } from './throughput-at.js'

const SHARES = [25, 50, 75, 90]
/** So many tasks in flight give the rate that is called all there is. */
const SATURATING = 200

export const saturation: Growth = {
  name: 'saturation',
  title: 'Share of the possible rate',
  says:
    `Tasks of four steps submitted at a rate, whether those before are done or not: at shares of the rate that ${SATURATING} tasks in flight gave just before. ` +
    'A task counts from the moment it was due.',
  x: { field: 'share', label: '% of saturation', scale: 'linear' },
  plots: [
    {
      name: 'latency',
      title: 'From when a task was due to its result',
      unit: 'ms',
      series: [
        { field: 'p50_ms', label: 'p50, ms' },
        { field: 'p99_ms', label: 'p99, ms' },
      ],
    },
  ],
  columns: [
    { field: 'tasks_per_s', label: 'tasks/s asked for' },
    { field: 'done_per_s', label: 'tasks/s done' },
    { field: 'cpu_s_per_1000_steps', label: 'CPU s for 1,000 steps' },
    { field: 'foreign_cores', label: 'cores busy with else' },
  ],
  play: async (form, say) => {
    const { warmupMs, until } = windowOf(form)
    const most = await throughputAt({ type: 'closed_loop', shape: 'linear_4', inFlight: SATURATING, warmupMs, until })
    say(`saturation: ${most.tasks_per_s} tasks/s`)
    const points: Point[] = []
    for (const share of SHARES) {
      const tasksPerS = round((most.tasks_per_s * share) / 100, 0)
      const run = await throughputAt({ type: 'paced', shape: 'linear_4', tasksPerS, warmupMs, ms: until.ms })
      const { p50_ms, p99_ms, cpu_s_per_1000_steps, foreign_cores } = run
      points.push({
        share,
        p50_ms,
        p99_ms,
        tasks_per_s: tasksPerS,
        done_per_s: run.tasks_per_s,
        cpu_s_per_1000_steps,
        foreign_cores,
      })
      say(JSON.stringify(points.at(-1)))
    }
    return points
  },
}
