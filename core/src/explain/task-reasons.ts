/** What holds a task as a whole, whatever its steps wait for. */
import { instantText } from '../kernel/instant.js'
import type { TaskId } from '../kernel/ids.js'
import { letterId, pendingLetter } from '../task/letters/dead-letter.js'
import type { LiveTask } from '../task/state.js'
import { failedSteps } from '../task/step-groups.js'
import { hasDiverged } from '../task/suspended.js'
import type { TaskReason } from './reasons.js'
import { taskCommands } from './remedies.js'
import { pausedText } from './step-reason.js'
import { divergedText } from './suspended-reason.js'

/** Without commands as of a moment of the past. */
export const taskReasons = (taskId: TaskId, task: LiveTask, isPast: boolean): readonly TaskReason[] =>
  [...phaseReasons(taskId, task), ...letterReasons(taskId, task)].map((told) => ({
    until: undefined,
    ...told,
    commands: isPast ? [] : (told.commands ?? []),
  }))

type Told = Pick<TaskReason, 'reason' | 'why' | 'unblockedBy'> & Partial<Pick<TaskReason, 'until' | 'commands'>>

const phaseReasons = (taskId: TaskId, task: LiveTask): readonly Told[] => {
  const told: Told[] = []
  const { pace, phase, submitted, cancel, compensation } = task
  if (task.endedAt !== undefined) return told
  if (pace.type === 'paused') {
    const commands = taskCommands(taskId, task, ['resume'])
    told.push({ reason: 'paused', why: pausedText(pace), unblockedBy: 'A resume of the task.', commands })
  }
  if (phase === 'waiting' && submitted.runAt !== undefined) {
    const at = instantText(submitted.runAt)
    told.push({ reason: 'start_time', why: 'It waits for its start time.', unblockedBy: `Time: ${at}.`, until: submitted.runAt })
  }
  if (phase === 'cancelling' && cancel !== undefined) {
    const why = `It is being cancelled${cancel.reason === undefined ? '' : `: ${cancel.reason}`}. Running steps have a grace.`
    const unblockedBy = `The end of its running steps, or of the grace at ${instantText(cancel.graceUntil)}.`
    told.push({ reason: 'cancelling', why, unblockedBy, until: cancel.graceUntil })
  }
  if (phase === 'compensating' && compensation !== undefined) {
    const why = `Its work is taken back since ${instantText(compensation.startedAt)}, because of a ${compensation.cause}.`
    told.push({ reason: 'compensating', why, unblockedBy: 'The end of the ways back.' })
  }
  if (phase === 'blocked') {
    const why = `Nothing of it can go on by itself: ${failedSteps(task).join(', ')} failed for good.`
    const commands = taskCommands(taskId, task, ['retry', 'resolve', 'cancel'])
    told.push({ reason: 'blocked', why, unblockedBy: 'A person: retry all failed steps, or see to them one by one.', commands })
  }
  if (hasDiverged(task)) {
    const commands = taskCommands(taskId, task, ['retry', 'cancel'])
    const unblockedBy = 'A person: deploy code that fits its journal, and retry it.'
    told.push({ reason: 'diverged', why: divergedText(task), unblockedBy, commands })
  }
  return told
}

const letterReasons = (taskId: TaskId, { deadLetters, endedAt }: LiveTask): readonly Told[] => {
  const told: Told[] = []
  const letter = pendingLetter(deadLetters)
  if (letter !== undefined) {
    const id = letterId(taskId, letter.entry)
    const why = `It is in the dead letters as ${id} since ${instantText(letter.openedAt)}: ${letter.reason}.`
    const commands = [`tasker dlq get ${id}`]
    told.push({ reason: 'dead_letter', why, unblockedBy: 'Its own progress, or a person who closes the entry.', commands })
  }
  const stale = deadLetters.told.at(-1)
  if (stale !== undefined && endedAt === undefined) {
    const what = stale.step === undefined ? 'It' : `Its step ${stale.step}`
    const why = `${what} has been ${stale.state} since ${instantText(stale.since)}, longer than its lifecycle allows.`
    told.push({ reason: 'stale', why, unblockedBy: 'Whatever its steps wait for.' })
  }
  return told
}
