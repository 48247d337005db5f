/** How fast a backlog is put in and done, by how much waits. */
import { measuredOnce } from '../alternate.js'
import type { ByForm } from '../form.js'
import { tasker } from '../tasker-stage.js'
import type { Growth, Point } from './growth.js'

const WAITING: ByForm<readonly number[]> = { short: [1_000, 5_000], full: [10_000, 100_000, 1_000_000] }
const SUBMITTERS = 32

export const waiting: Growth = {
  name: 'waiting',
  title: 'Tasks that wait',
  says: `Tasks of one step, put in by ${SUBMITTERS} submitters while there is no worker; then one starts.`,
  x: { field: 'waiting', label: 'tasks waiting', scale: 'log' },
  plots: [
    {
      name: 'rate',
      title: 'Tasks a second',
      unit: 'tasks/s',
      series: [
        { field: 'submit_per_s', label: 'put in, tasks/s' },
        { field: 'drain_per_s', label: 'done, tasks/s' },
      ],
    },
  ],
  columns: [
    { field: 'cpu_s_per_1000_steps', label: 'CPU s for 1,000 done' },
    { field: 'foreign_cores', label: 'cores busy with else' },
  ],
  diskBytesMax: 8 * 1024 ** 3,
  play: async (form, say) => {
    const points: Point[] = []
    for (const tasks of WAITING[form]) {
      const run = await measuredOnce(tasker(), { type: 'backlog', shape: 'single', tasks, submitters: SUBMITTERS })
      if (!('drain' in run)) throw new Error('a backlog measures how it was done')
      points.push({
        waiting: tasks,
        submit_per_s: run.submit.tasks_per_s,
        drain_per_s: run.drain.tasks_per_s,
        cpu_s_per_1000_steps: run.drain.cpu_s_per_1000_steps,
        foreign_cores: run.drain.foreign_cores,
      })
      say(JSON.stringify(points.at(-1)))
    }
    return points
  },
}
