/**
 * What a command makes happen to a task, or why not.
 *
 * D1  Everything a decision needs comes with the state and the command: no clock, no dice, no look-up.
 * D2  What fires a command (a queue, a timer, a resent message) may come twice or late; the state decides whether it still counts.
 * D3  On a finished task only results are answered by their own rules: a repeat is accepted without events, any other result is
 *     refused with LEASE_LOST, because a worker needs to hear about its attempt. It may be archived. A signal that it has is a repeat. Every
 *     other command is refused with TASK_FINISHED, and once it is archived every command with TASK_ARCHIVED.
 */
import type { Decision } from '../kernel/decider.js'
import { unreachable } from '../kernel/invariant.js'
import type { SubmitTask, TaskCommand } from './commands.js'
import type { TaskEvent } from './events.js'
import { refuse, type TaskRefusal } from './refusals.js'
import { type ArchivedTask, isTerminal, type LiveTask, type TaskState } from './state.js'
import { decideAdmit } from './decide/admit.js'
import { NOTHING_NEW } from './decide/attempt.js'
import { decideArchive } from './decide/archive.js'
import { decideCancel, decideCancelGraceOver } from './decide/cancel.js'
import { decideCheckpoint } from './decide/checkpoint.js'
import { decideComplete } from './decide/complete.js'
import { decideCompleteStep, decideResetStep, decideResolveStep } from './decide/by-hand.js'
import { withDomainEvents } from './decide/domain-events.js'
import { decideDeadLetter, decideLetterUpdate, decideUnserved } from './decide/dead-letter.js'
import { decideFail } from './decide/fail.js'
import { decideFunction } from './decide/function.js'
import { decideFailTask } from './decide/fail-task.js'
import { decidePause, decideResume } from './decide/pause.js'
import { decideRelease } from './decide/release.js'
import { decideResolve } from './decide/resolve.js'
import { decideRetry } from './decide/retry.js'
import { decideRetryDue } from './decide/retry-due.js'
import { decideRunDue } from './decide/run-due.js'
import { decideStaleness } from './decide/staleness.js'
import { decideStart } from './decide/start.js'
import { decideStopped } from './decide/stopped.js'
import { decideSubmit } from './decide/submit.js'
import { decideTimeOut } from './decide/time-out.js'

/** The commit that holds the events must carry the command's `at`: folding it gives the deadlines that were decided. */
export const decide = (state: TaskState, command: TaskCommand): Decision<TaskEvent, TaskRefusal> => {
  const decision = decideTask(state, command)
  const plan = state.type === 'task' ? state.plan : command.type === 'submit' ? command.plan : undefined
  if (plan?.publishes !== true || decision.type === 'refused' || command.type === 'archive') return decision
  return { type: 'accepted', events: withDomainEvents(state, command, decision.events, plan) }
}

const decideTask = (state: TaskState, command: TaskCommand): Decision<TaskEvent, TaskRefusal> => {
  if (command.type === 'submit') {
    if (state.type === 'none') return decideSubmit(command)
    if (state.type === 'archived') return refuseArchived(state)
    return refuse('TASK_EXISTS', `The task ${state.submitted.name} was submitted before.`)
  }
  if (state.type === 'none') return refuse('TASK_NOT_FOUND', 'There is no such task.')
  if (state.type === 'archived') return refuseArchived(state)
  return decideLive(state, command)
}

const refuseArchived = ({ archived: { name, archive } }: ArchivedTask) =>
  refuse('TASK_ARCHIVED', `The task ${name} is over, and lies in the archive ${archive}.`)

const decideLive = (task: LiveTask, command: Exclude<TaskCommand, SubmitTask>): Decision<TaskEvent, TaskRefusal> => {
  switch (command.type) {
    case 'complete':
      return decideComplete(task, command)
    case 'fail':
      return decideFail(task, command)
    case 'stopped':
      return decideStopped(task, command)
    case 'archive':
      return decideArchive(task, command)
    default:
      if (!isTerminal(task.phase)) return decideOpen(task, command)
      if (isKnownSignal(task, command)) return NOTHING_NEW
      return refuse('TASK_FINISHED', `The task ${task.submitted.name} is ${task.phase}.`)
  }
}

/** It was taken while the task was open, and its answer was lost. */
const isKnownSignal = ({ journal }: LiveTask, command: TaskCommand): boolean =>
  command.type === 'signal' && command.requestId !== undefined && journal?.requests.includes(command.requestId) === true

/** What a task that is over still answers by its own rules. */
type LateCommand = 'complete' | 'fail' | 'stopped' | 'archive'

const decideOpen = (
  task: LiveTask,
  command: Exclude<TaskCommand, SubmitTask | { readonly type: LateCommand }>,
): Decision<TaskEvent, TaskRefusal> => {
  switch (command.type) {
    case 'run_due':
      return decideRunDue(task, command)
    case 'admit':
      return decideAdmit(task, command)
    case 'start':
      return decideStart(task, command)
    case 'release':
      return decideRelease(task, command)
    case 'checkpoint':
      return decideCheckpoint(task, command)
    case 'time_out':
      return decideTimeOut(task, command)
    case 'retry_due':
      return decideRetryDue(task, command)
    case 'cancel':
      return decideCancel(task, command)
    case 'cancel_grace_over':
      return decideCancelGraceOver(task, command)
    case 'fail_task':
      return decideFailTask(task, command)
    case 'staleness_due':
      return decideStaleness(task, command)
    case 'dead_letter':
      return decideDeadLetter(task, command)
    case 'report_unserved':
      return decideUnserved(task, command)
    case 'update_dead_letter':
      return decideLetterUpdate(task, command)
    case 'pause':
      return decidePause(task, command)
    case 'resume':
      return decideResume(task, command)
    case 'retry':
      return decideRetry(task, command)
    case 'resolve':
      return decideResolve(task, command)
    case 'reset_step':
      return decideResetStep(task, command)
    case 'resolve_step':
      return decideResolveStep(task, command)
    case 'complete_step':
      return decideCompleteStep(task, command)
    case 'record':
    case 'suspend':
    case 'diverge':
    case 'continue':
    case 'timer_due':
    case 'signal':
    case 'update':
    case 'child_over':
      return decideFunction(task, command)
    default:
      return unreachable(command)
  }
}
