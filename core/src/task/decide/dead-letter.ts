/** Dead letters by order: a person opens one or writes on it, and a queue that no worker serves opens one for a step that waits in it. */
import type { Decision } from '../../kernel/decider.js'
import type { DeadLetterTask, ReportUnserved, UpdateDeadLetter } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { pendingLetter } from '../letters/dead-letter.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { isGoing } from '../step-groups.js'
import { NOTHING_NEW, unknownStep } from './attempt.js'

export const decideDeadLetter = (task: LiveTask, command: DeadLetterTask): Decision<TaskEvent, TaskRefusal> => {
  const pending = pendingLetter(task.deadLetters)
  if (pending !== undefined) return alreadyPending(pending.entry)
  const { by, notes, metadata } = command
  return {
    type: 'accepted',
    events: [
      {
        type: 'task.dead_lettered',
        reason: 'manual_dlq',
        ...(by === undefined ? {} : { by }),
        ...(notes === undefined ? {} : { notes }),
        ...(metadata === undefined ? {} : { metadata }),
      },
    ],
  }
}

/** The hint of a queue may come twice or late: it counts while the attempt waits as long as it says, and nobody was told yet. */
export const decideUnserved = (task: LiveTask, command: ReportUnserved): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  const step = task.steps[index ?? -1]
  if (step === undefined) return unknownStep(task, command.step)
  const { attempt, thresholdMs } = command
  const waits = step.status === 'enqueued' && step.attempts === attempt && isGoing(task)
  if (!waits) return refuse('STEP_NOT_READY', `Attempt ${attempt} of step ${command.step} waits for no worker.`, command.step)
  if (command.at - step.since < thresholdMs)
    return refuse('NOT_DUE', `Attempt ${attempt} of step ${command.step} has not waited ${thresholdMs} ms.`, command.step)
  if (pendingLetter(task.deadLetters) !== undefined) return NOTHING_NEW
  return {
    type: 'accepted',
    events: [{ type: 'task.dead_lettered', reason: 'worker_unavailable', step: command.step, attempt }],
  }
}

export const decideLetterUpdate = (task: LiveTask, command: UpdateDeadLetter): Decision<TaskEvent, TaskRefusal> => {
  const { entry, status, notes, by, metadata } = command
  const letter = task.deadLetters.entries.find((one) => one.entry === entry)
  if (letter === undefined) return refuse('DEAD_LETTER_NOT_FOUND', `The task has no dead letter ${entry}.`)
  const pending = pendingLetter(task.deadLetters)
  if (status === 'pending' && pending !== undefined && pending.entry !== entry) return alreadyPending(pending.entry)
  return {
    type: 'accepted',
    events: [
      {
        type: 'task.dead_letter_updated',
        entry,
        ...(status === undefined ? {} : { status }),
        ...(notes === undefined ? {} : { notes }),
        ...(by === undefined ? {} : { by }),
        ...(metadata === undefined ? {} : { metadata }),
      },
    ],
  }
}

const alreadyPending = (entry: number): { readonly type: 'refused'; readonly refusal: TaskRefusal } =>
  refuse('DEAD_LETTER_PENDING', `The task is in the dead letters already, as entry ${entry}.`)
