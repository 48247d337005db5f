/** Why a wait for a result is over without one. */
import { TaskerError, type TaskExplanation } from '@tasker/sdk'

/** The clock has no wake-up that could change anything. */
export const standsStill = (taskId: string, { status, reasons, steps }: TaskExplanation): TaskerError => {
  const why = [...reasons.map((reason) => reason.why), ...steps.map((step) => `${step.stepId}: ${step.why}`)]
  return new TaskerError({
    code: 'INVALID_STATE',
    reason: 'TASK_STANDS_STILL',
    message: `the task ${taskId} is ${status} and no time will change that: ${why.length === 0 ? 'nothing is due' : why.join('; ')}`,
    hint: 'do what it waits for before asking for its result: start a worker for its handlers, send the signal, resume or retry it',
    context: { task_id: taskId, status },
  })
}

/** So much has happened meanwhile that the task will hardly end by itself. */
export const runsOn = (taskId: string, wakeUps: number, days: number): TaskerError =>
  new TaskerError({
    code: 'INVALID_STATE',
    reason: 'TASK_RUNS_ON',
    message: `the task ${taskId} is not over after ${wakeUps} wake-ups in ${days} days`,
    hint: 'let time pass with `env.advance`, and look at the task with `handle.state()` instead of waiting for its end',
    context: { task_id: taskId },
  })

export const envClosed = (): TaskerError =>
  new TaskerError({ code: 'INVALID_STATE', reason: 'ENV_CLOSED', message: 'the test environment was closed' })
