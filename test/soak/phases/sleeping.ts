/** Very many tasks that begin in an hour: what they cost meanwhile, and that one that begins soon is not kept waiting by them. */
import { LIMITS } from '@tasker/core'
import type { Figures, Phase, PhaseRun } from '../phase.js'
import { metric, mustHold, onSingleServer, residentMib, type SingleServer, submitAll, untilCompleted } from '../single-server.js'

const TASKS: Readonly<Record<PhaseRun['form'], number>> = { short: 3_000, long: 200_000 }
/** Those that begin within the horizon of the window, more than it holds in the long form. */
const SOON_SHARE = 0.4
const HOUR_MS = 3_600_000
const SOON_MS = 15_000
const WAKE_MS_MAX = 600_000
const CACHE_BYTES = 8 * 1024 * 1024
const HEAP_MIB = 96

export const sleeping: Phase = {
  name: 'sleeping',
  promise:
    'tasks that sleep cost memory by the window of timers, not by the task, and those whose time comes are not kept waiting by the others',
  play: ({ form, say }) =>
    onSingleServer({ TASKER_CACHE_BYTES_MAX: String(CACHE_BYTES), NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB}` }, (site) =>
      playOn(site, TASKS[form], say),
    ),
}

const playOn = async (site: SingleServer, tasks: number, say: PhaseRun['say']): Promise<Figures> => {
  const load = { tasks, inFlight: 1_000, stretches: 1, say }
  const idle = residentMib(site.server.pid)
  await submitAll(site, { ...load, runAt: new Date(Date.now() + HOUR_MS) })
  const asleep = residentMib(site.server.pid)
  const armed = await timers(site)
  const soon = Math.round(tasks * SOON_SHARE)
  const dueAt = Date.now() + SOON_MS
  await submitAll(site, { ...load, tasks: soon, runAt: new Date(dueAt) })
  const armedSoon = await timers(site)
  await site.worker(1_000)
  await untilCompleted(site, soon, WAKE_MS_MAX, say)
  const wokenMs = Date.now() - dueAt
  mustHold([
    armed !== 0 && `${armed} timers are in memory, and none is due within the minute`,
    armedSoon > LIMITS.timerWindowEntriesMax &&
      `${armedSoon} timers are in memory, and ${LIMITS.timerWindowEntriesMax} are allowed`,
    (await metric(site.address, 'tasker_tasks_ended_total{end="completed"}')) !== soon && 'a task ran before its time',
  ])
  return {
    postgresVersion: site.postgresVersion,
    columns: [
      'asleep for an hour',
      'timers in memory',
      'memory idle',
      'with them',
      'due together',
      'timers in memory',
      'all done after',
      'memory at most',
    ],
    rows: [
      [
        tasks,
        armed,
        `${idle} MiB`,
        `${asleep} MiB`,
        soon,
        armedSoon,
        `${wokenMs} ms`,
        `${residentMib(site.server.pid, 'VmHWM')} MiB`,
      ],
    ],
    notes: [`The server had ${HEAP_MIB} MiB of heap.`],
  }
}

const timers = ({ address }: SingleServer): Promise<number> => metric(address, 'tasker_limit_used{limit="timer_window_entries"}')
