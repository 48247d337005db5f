/** Staleness due: every wait of the task that is over is told, and what its lifecycle says follows. */
import type { Decision } from '../../kernel/decider.js'
import type { StalenessDue } from '../commands.js'
import type { TaskEvent, TaskWentStale } from '../events.js'
import { type Watch, watchesOf } from '../letters/staleness.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { draftOf } from './draft.js'
import { decideFailTask } from './fail-task.js'

export const decideStaleness = (task: LiveTask, command: StalenessDue): Decision<TaskEvent, TaskRefusal> => {
  const over = watchesOf(task, command.heard).filter((watch) => watch.dueAt <= command.at)
  if (over.length === 0) return refuse('NOT_DUE', 'No wait of the task is over.')
  const draft = draftOf(task, command.at)
  for (const watch of over) draft.add(wentStale(watch))
  const failing = over.find((watch) => watch.consequence.fail)
  if (failing === undefined) return { type: 'accepted', events: draft.events }
  const ending = decideFailTask(draft.task, {
    type: 'fail_task',
    at: command.at,
    code: 'TASK_WENT_STALE',
    message: messageOf(failing),
  })
  return ending.type === 'refused' ? ending : { type: 'accepted', events: [...draft.events, ...ending.events] }
}

const MINUTE_MS = 60_000

const messageOf = ({ state, step, thresholdMs }: Watch): string => {
  const minutes = `${thresholdMs / MINUTE_MS} minutes`
  if (state === 'duration')
    return step === undefined ? `The task took longer than ${minutes}.` : `The step ${step} took longer than ${minutes}.`
  if (state === 'blocked_by_failures') return `The task was blocked for ${minutes}, and nobody helped it.`
  return `${step === undefined ? 'The task' : `The step ${step}`} stayed in ${state} for longer than ${minutes}.`
}

const wentStale = ({ state, step, since, thresholdMs, consequence }: Watch): TaskWentStale => ({
  type: 'task.went_stale',
  state,
  ...(step === undefined ? {} : { step }),
  since,
  thresholdMs,
  deadLetter: consequence.dlq,
})
