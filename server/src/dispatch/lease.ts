/** A worker's right to one attempt, from the decision to start it until its end. */
import type { JsonText, StepId, TaskId } from '@tasker/core'
import type { AttemptRef } from '../engine/api.js'
import type { WheelTimer } from '../timers/timer-wheel.js'
import type { ConnectedWorker } from './worker.js'

export interface Lease extends AttemptRef {
  readonly worker: ConnectedWorker
  readonly timeout: WheelTimer
  /** The command has left for the worker: only then may the worker know of it. */
  sent: boolean
  cancelRequested: boolean
  /** The last progress its handler told, for people. */
  progress: JsonText | undefined
}

export const attemptKey = (taskId: TaskId, step: StepId, attempt: number): string => `${taskId}/${attempt}/${step}`

export const refKey = (ref: AttemptRef): string => attemptKey(ref.taskId, ref.step, ref.attempt)
