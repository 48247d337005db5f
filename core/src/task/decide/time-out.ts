/** Time out: the attempt ran to its deadline; the policy decides about another as after any retryable failure. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { TimeOutStep } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { runOf } from '../compensation.js'
import { timeoutFailure } from '../failure.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { decideFailure } from './after-failure.js'
import { isOut, leaseLost, unknownStep } from './attempt.js'

export const decideTimeOut = (task: LiveTask, command: TimeOutStep): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  if (!isOut(step, command.attempt)) return leaseLost(command, 'it is not running')
  if (command.at < step.deadlineAt) {
    return refuse('NOT_DUE', `Attempt ${command.attempt} of step ${command.step} has time left.`, command.step)
  }
  const { timeoutMs } = runOf(task, index)
  const failure = timeoutFailure(timeoutMs)
  return decideFailure(task, { index, step, failure, at: command.at, draw: command.draw }, (permanent) => ({
    type: 'step.timed_out',
    step: command.step,
    attempt: command.attempt,
    timeoutMs,
    permanent,
  }))
}
