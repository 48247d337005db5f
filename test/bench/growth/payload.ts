/** Steps a second by the size of inputs and results. */
import type { ByForm } from '../form.js'
import { round } from '../statistics.js'
import type { Growth, Point } from './growth.js'
import { throughputAt, windowOf } from './throughput-at.js'

const KIB = 1024
const KIBS: ByForm<readonly number[]> = { short: [0.1, 10], full: [0.1, 1, 10, 100] }
const IN_FLIGHT = 50

export const payload: Growth = {
  name: 'payload',
  title: 'Size of payloads',
  says: `Four steps one after another, ${IN_FLIGHT} tasks in flight; the task's input has so many KiB, and each step answers it. Each step is given the input and the result before it.`,
  x: { field: 'kib', label: 'KiB of input and of each result', scale: 'log' },
  plots: [
    { name: 'rate', title: 'Steps a second', unit: 'steps/s', series: [{ field: 'steps_per_s', label: 'steps/s' }] },
    { name: 'volume', title: 'Results a second', unit: 'MiB/s', series: [{ field: 'mib_per_s', label: 'results, MiB/s' }] },
  ],
  columns: [
    { field: 'p50_ms', label: 'p50, ms' },
    { field: 'p99_ms', label: 'p99, ms' },
    { field: 'cpu_s_per_1000_steps', label: 'CPU s for 1,000 steps' },
    { field: 'wal_bytes_per_step', label: 'WAL bytes a step' },
    { field: 'foreign_cores', label: 'cores busy with else' },
  ],
  diskBytesMax: 8 * 1024 ** 3,
  play: async (form, say) => {
    const points: Point[] = []
    for (const kib of KIBS[form]) {
      const inputBytes = Math.round(kib * KIB)
      const run = await throughputAt({ type: 'closed_loop', shape: 'echo_4', inFlight: IN_FLIGHT, inputBytes, ...windowOf(form) })
      const { steps_per_s, p50_ms, p99_ms, cpu_s_per_1000_steps, wal_bytes_per_step, foreign_cores } = run
      const mib_per_s = round((steps_per_s * kib) / KIB, 2)
      points.push({ kib, steps_per_s, mib_per_s, p50_ms, p99_ms, cpu_s_per_1000_steps, wal_bytes_per_step, foreign_cores })
      say(JSON.stringify(points.at(-1)))
    }
    return points
  },
}
