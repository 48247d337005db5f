/** Fail: an attempt ended without success, reported by its worker or by the engine for a worker that was lost. */
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { FailStep } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { sameFailure, WORKER_LOST } from '../failure.js'
import type { TaskRefusal } from '../refusals.js'
import type { LiveTask, StepState } from '../state.js'
import { decideFailure } from './after-failure.js'
import { ignoreResult, isHeldBy, leaseLost, NOTHING_NEW, unknownStep } from './attempt.js'

export const decideFail = (task: LiveTask, command: FailStep): Decision<TaskEvent, TaskRefusal> => {
  const index = task.graph.indexOf.get(command.step)
  if (index === undefined) return unknownStep(task, command.step)
  const step = elementAt(task.steps, index, 'steps')
  const { failure, metadata } = command
  if (!isHeldBy(step, command.attempt, command.worker)) return unheld(task, step, command)
  return decideFailure(task, { index, step, failure, at: command.at, draw: command.draw }, (permanent) => ({
    type: 'step.failed',
    step: command.step,
    attempt: command.attempt,
    failure,
    ...(metadata === undefined ? {} : { metadata }),
    permanent,
  }))
}

const unheld = (task: LiveTask, step: StepState, command: FailStep): Decision<TaskEvent, TaskRefusal> => {
  if (isReported(step, command)) return NOTHING_NEW
  // The engine's late guess that a worker is lost is no result of that worker: it is refused without a trace.
  if (command.failure.code === WORKER_LOST) return leaseLost(command, 'its worker does not hold it')
  return ignoreResult(task, step, command, 'failed')
}

/** A2: this worker reported this failure of this attempt before, whatever became of the step since. */
const isReported = (step: StepState, command: FailStep): boolean =>
  step.reported.some(
    (report) =>
      report.attempt === command.attempt && report.worker === command.worker && sameFailure(report.failure, command.failure),
  )
