/** One attempt that this worker was given: running, or over and waiting for its acknowledgement. */
import type { AttemptRef, ResultAck, StepResult } from '@tasker/proto'
import { CancelledError } from '../errors/handler-errors.js'
import type { HandlerEvent } from '../events/given-events.js'
import type { AttemptPort } from '../step/attempt-context.js'
import type { SavedCursor } from '../step/context.js'
import type { JsonValue } from '../step/json.js'
import { Checkpoints } from './checkpoints.js'

/** Why an attempt was asked to stop. */
export type StopCause = 'cancelled' | 'timed_out' | 'forgotten' | 'stopped'

const STOP_REASONS: { readonly [Cause in StopCause]: string } = {
  cancelled: 'the task was cancelled',
  timed_out: 'the attempt took longer than its timeout',
  forgotten: 'the attempt is not this worker’s any more',
  stopped: 'the worker stops',
}

export const attemptKey = (ref: AttemptRef): string => `${ref.taskId}/${ref.attempt}/${ref.stepId}`

/** What the attempts of a worker share. */
export interface AttemptPorts {
  /** Attempts that said something since the last heartbeat. */
  readonly beats: Set<Attempt>
  /** Sends a checkpoint. */
  readonly say: (checkpoint: StepResult) => void
  /** The server's bound of what is said at once. */
  readonly bytesMax: () => number
}

export class Attempt implements AttemptPort {
  readonly key: string
  readonly ref: AttemptRef
  /** Infinity when the step has no timeout. */
  readonly timeoutMs: number
  /** A saved checkpoint moves it (W16). */
  deadlineAtMs = Infinity
  /** The one result, once there is one (W4). */
  result: StepResult | undefined = undefined
  stopCause: StopCause | undefined = undefined
  /** Progress said since the last heartbeat was sent. */
  progress: JsonValue | undefined = undefined
  readonly #ports: AttemptPorts
  /** What the handler gave for domain events, by name. */
  events: Map<string, HandlerEvent> | undefined = undefined
  #checkpoints: Checkpoints | undefined = undefined
  #controller: AbortController | undefined = undefined

  constructor(key: string, ref: AttemptRef, timeoutMs: number, ports: AttemptPorts) {
    this.key = key
    this.ref = ref
    this.timeoutMs = timeoutMs
    this.#ports = ports
  }

  startTime(nowMs: number): void {
    this.deadlineAtMs = nowMs + this.timeoutMs
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
    this.#checkpoints?.end(reasonOf(cause))
    this.#controller?.abort(reasonOf(cause))
  }

  /** The one result: what is still to be saved is not saved any more. */
  end(result: StepResult): void {
    this.result = result
    this.#checkpoints?.end(new CancelledError('the attempt is over'))
  }

  publish(name: string, event: HandlerEvent): void {
    this.events ??= new Map()
    this.events.set(name, event)
  }

  async checkpoint(progress: SavedCursor): Promise<void> {
    if (this.stopCause !== undefined) throw reasonOf(this.stopCause)
    if (this.result !== undefined) throw new CancelledError('the attempt is over')
    this.#checkpoints ??= new Checkpoints(this.ref, this.#ports.say, this.#ports.bytesMax)
    await this.#checkpoints.save(progress)
  }

  /** The server's answer to a checkpoint (W16). */
  checkpointAnswered(ack: ResultAck, nowMs: number): void {
    if (this.#checkpoints?.answered(ack) === 'saved') this.startTime(nowMs)
  }

  saved(): SavedCursor | undefined {
    return this.#checkpoints?.saved
  }

  /** What the server has not acknowledged, a checkpoint before the result. */
  unacknowledged(): readonly StepResult[] {
    return [this.#checkpoints?.sent, this.result].filter((said) => said !== undefined)
  }

  heartbeat(progress: JsonValue | undefined): void {
    if (this.result !== undefined) return
    if (progress !== undefined) this.progress = progress
    this.#ports.beats.add(this)
  }
}

const reasonOf = (cause: StopCause): CancelledError => new CancelledError(STOP_REASONS[cause])
