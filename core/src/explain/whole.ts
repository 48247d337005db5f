/** What holds a task up as a whole. */
import { instantText } from '../kernel/instant.js'
import { type LiveTask } from '../task/state.js'
import { pausedText } from './told.js'

/** Undefined for a task that is over, or that goes on step by step. */
export const explainWhole = (task: LiveTask): string | undefined => {
  if (task.endedAt !== undefined) return undefined
  const { runAt } = task.submitted
  if (task.phase === 'waiting' && runAt !== undefined) return `The task starts at ${instantText(runAt)}.`
  if (task.phase === 'cancelling' && task.cancel !== undefined) {
    const why = task.cancel.reason === undefined ? '' : ` (${task.cancel.reason})`
    return `The task is being cancelled${why}: what runs may finish until ${instantText(task.cancel.graceUntil)}.`
  }
  if (task.pace.type === 'paused') return pausedText(task.pace)
  if (task.phase === 'compensating') return 'The work of the task is being taken back.'
  if (task.phase === 'blocked')
    return 'Nothing of the task can go on by itself: a person resets, resolves or completes the steps that failed, or closes the task.'
  return undefined
}
