/** What a task's or a step's status means at the command line: its colour, and whether the task is over. */
import { EXIT, type ExitCode } from './exit.js'
import { type Colours } from './terminal.js'

const GOOD = new Set(['complete', 'resolved_manually'])
const BAD = new Set(['error', 'blocked_by_failures', 'cancelled', 'cancelling', 'compensating', 'diverged'])
const BUSY = new Set(['in_progress', 'steps_in_process', 'waiting_for_retry'])

export const statusText = (status: string, colours: Colours): string => {
  if (GOOD.has(status)) return colours.green(status)
  if (BAD.has(status)) return colours.red(status)
  return BUSY.has(status) ? colours.yellow(status) : colours.dim(status)
}

/** Statuses in which nothing goes on by itself: the end, or waiting for a person. */
const AT_REST = new Set(['complete', 'resolved_manually', 'cancelled', 'error', 'blocked_by_failures', 'diverged'])

export const isAtRest = (status: string): boolean => AT_REST.has(status)

/** The statuses of tasks that are over, and of those that are not. */
export const ENDED_STATUSES: readonly string[] = ['complete', 'cancelled', 'error', 'resolved_manually']
export const OPEN_STATUSES: readonly string[] = [
  ...['scheduled', 'pending', 'steps_in_process', 'waiting_for_dependencies', 'waiting_for_retry', 'sleeping'],
  ...['waiting_for_signal', 'diverged', 'cancelling', 'paused', 'compensating', 'blocked_by_failures'],
]

/** 0 for a task that is complete, 1 for everything else. */
export const exitCodeOfStatus = (status: string): ExitCode => (GOOD.has(status) ? EXIT.ok : EXIT.failed)

const REST_AFTER: ReadonlyMap<string, string> = new Map([
  ['task.completed', 'complete'],
  ['task.cancelled', 'cancelled'],
  ['task.failed', 'error'],
  ['task.resolved_manually', 'resolved_manually'],
  ['task.blocked', 'blocked_by_failures'],
  ['function.diverged', 'diverged'],
])

/** The status a task rests in after an event of this type; undefined while it goes on. */
export const restAfter = (eventType: string): string | undefined => REST_AFTER.get(eventType)
