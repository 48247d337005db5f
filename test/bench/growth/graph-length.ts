/** What a step costs by how many steps its task has, at the beginning of the task and at its end. */
import { measuredOnce } from '../alternate.js'
import type { ByForm } from '../form.js'
import type { ShapeName } from '../shapes.js'
import { round } from '../statistics.js'
import { median } from '../targets/targets.js'
import { tasker } from '../tasker-stage.js'
import type { Growth, Point } from './growth.js'

interface Length {
  readonly shape: ShapeName
  readonly steps: number
  /** Tasks that are looked at, one at a time. */
  readonly tasks: ByForm<number>
}

const LENGTHS: readonly Length[] = [
  { shape: 'chain_10', steps: 10, tasks: { short: 5, full: 300 } },
  { shape: 'chain_100', steps: 100, tasks: { short: 2, full: 40 } },
  { shape: 'chain_1000', steps: 1_000, tasks: { short: 1, full: 9 } },
]
const WARMUP_STEPS: ByForm<number> = { short: 50, full: 3_000 }

export const graphLength: Growth = {
  name: 'graph-length',
  title: 'Steps of a task',
  says:
    'One task at a time with so many steps one after another; how long it is from the beginning of a step to the beginning of the next one in the worker, ' +
    'on average in the first and in the last tenth of a task, the median of all tasks. The last tenth is to be at most 1.2 times the first.',
  x: { field: 'steps', label: 'steps of a task', scale: 'log' },
  plots: [
    {
      name: 'step',
      title: 'Time of a step',
      unit: 'ms',
      series: [
        { field: 'first_tenth_ms', label: 'first tenth, ms' },
        { field: 'last_tenth_ms', label: 'last tenth, ms' },
      ],
    },
  ],
  columns: [
    { field: 'last_to_first', label: 'last tenth / first tenth' },
    { field: 'ms_per_step', label: 'over the whole task, ms' },
    { field: 'tasks', label: 'tasks' },
    { field: 'foreign_cores', label: 'cores busy with else' },
  ],
  play: async (form, say) => {
    const points: Point[] = []
    for (const { shape, steps, tasks } of LENGTHS) {
      const warmupTasks = Math.ceil(WARMUP_STEPS[form] / steps)
      const run = await measuredOnce(tasker(), { type: 'clocked', shape, tasks: tasks[form], warmupTasks })
      if (!('began_ms' in run)) throw new Error('a clock measures when steps began')
      points.push({ steps, ...tenthsOf(run.began_ms, steps), tasks: run.tasks, foreign_cores: run.foreign_cores })
      say(JSON.stringify(points.at(-1)))
    }
    return points
  },
}

const MS_DIGITS = 3

/** Of tasks one after another, each with the times at which its steps began. */
export const tenthsOf = (beganMs: readonly number[], steps: number) => {
  const tasks = Array.from({ length: beganMs.length / steps }, (_, task) => beganMs.slice(task * steps, (task + 1) * steps))
  const tenth = Math.max(1, Math.floor(steps / 10))
  /** From one step to another, a step. */
  const perStep = (times: readonly number[], from: number, to: number): number =>
    ((times[to] ?? Number.NaN) - (times[from] ?? Number.NaN)) / (to - from)
  const last = steps - 1
  const first_tenth_ms = median(tasks.map((times) => perStep(times, 0, tenth)))
  const last_tenth_ms = median(tasks.map((times) => perStep(times, last - tenth, last)))
  return {
    first_tenth_ms: round(first_tenth_ms, MS_DIGITS),
    last_tenth_ms: round(last_tenth_ms, MS_DIGITS),
    last_to_first: round(last_tenth_ms / first_tenth_ms, 2),
    ms_per_step: round(median(tasks.map((times) => perStep(times, 0, last))), MS_DIGITS),
  }
}
