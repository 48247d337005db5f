/** One attempt that this worker was given: running, or over and waiting for its acknowledgement. */
import type { AttemptRef, StepResult } from '@tasker/proto'
import { CancelledError } from '../errors/handler-errors.js'
import type { AttemptPort } from '../step/context.js'
import type { JsonValue } from '../step/json.js'

/** Why an attempt was asked to stop. */
export type StopCause = 'cancelled' | 'timed_out' | 'forgotten' | 'stopped'

const STOP_REASONS: { readonly [Cause in StopCause]: string } = {
  cancelled: 'the task was cancelled',
  timed_out: 'the attempt took longer than its timeout',
  forgotten: 'the attempt is not this worker’s any more',
  stopped: 'the worker stops',
}

export const attemptKey = (ref: AttemptRef): string => `${ref.taskId}/${ref.attempt}/${ref.stepId}`

export class Attempt implements AttemptPort {
  readonly key: string
  readonly ref: AttemptRef
  /** Infinity when the step has no timeout. */
  readonly deadlineAtMs: number
  /** The one result, once there is one (W4). */
  result: StepResult | undefined = undefined
  stopCause: StopCause | undefined = undefined
  /** Progress said since the last heartbeat was sent. */
  progress: JsonValue | undefined = undefined
  readonly #beats: Set<Attempt>
  #controller: AbortController | undefined = undefined

  constructor(key: string, ref: AttemptRef, deadlineAtMs: number, beats: Set<Attempt>) {
    this.key = key
    this.ref = ref
    this.deadlineAtMs = deadlineAtMs
    this.#beats = beats
  }

  /** Made when somebody looks: a controller costs more than all else of an attempt. */
  signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.stopCause !== undefined) this.#controller.abort(reasonOf(this.stopCause))
    }
    return this.#controller.signal
  }

  /** The first cause counts. */
  abort(cause: StopCause): void {
    if (this.stopCause !== undefined) return
    this.stopCause = cause
    this.#controller?.abort(reasonOf(cause))
  }

  heartbeat(progress: JsonValue | undefined): void {
    if (this.result !== undefined) return
    if (progress !== undefined) this.progress = progress
    this.#beats.add(this)
  }
}

const reasonOf = (cause: StopCause): CancelledError => new CancelledError(STOP_REASONS[cause])
