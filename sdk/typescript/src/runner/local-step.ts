/**
 * A step of a durable function, as it runs here.
 *
 * L1  It is called again after a failure as its policy says, and ends once: with what is recorded of it, or with nothing when it is aborted.
 * L2  An attempt that is over its time is told so by its signal, and answered for when it does not hear. One that gives its result at once has
 *     no time to be over.
 */
import type { Clock } from '../clock.js'
import type { Outcome } from '../durable/entries.js'
import { failureOfThrown, succeeded } from '../durable/outcome.js'
import type { StepScope } from '../durable/options.js'
import type { RunStep } from '../durable/port.js'
import { durationMs } from '../duration.js'
import { failureOf, isAbort, type Failure } from '../errors/failure.js'
import { CancelledError } from '../errors/handler-errors.js'
import { LIMITS } from '../limits.js'
import { isThenable } from '../durable/thenable.js'
import { delayAfter, policyOf, retryAllowed, type RetryPolicy } from './retry.js'

export interface LocalStepPorts {
  readonly clock: Clock
  /** How long an attempt may take that does not say it; 0 for as long as it likes. */
  readonly timeoutMs: number
  /** The server's bound of a result. */
  readonly bytesMax: () => number
  /** Calls the user's function. */
  readonly invoke: (step: RunStep, scope: StepScope) => unknown
  readonly over: (key: string, outcome: Outcome) => void
}

interface Running {
  readonly controller: { signal(): AbortSignal; abort(error: CancelledError): void }
  isLate: boolean
}

export class LocalStep {
  readonly #step: RunStep
  readonly #ports: LocalStepPorts
  #policy: RetryPolicy | undefined
  #timeoutMs = 0
  #attempt = 0
  #running: Running | undefined
  #callOff: () => void = () => undefined
  #isOver = false

  constructor(step: RunStep, ports: LocalStepPorts) {
    this.#step = step
    this.#ports = ports
  }

  start(): void {
    if (this.#isOver || this.#attempt > 0) return
    try {
      const { retry, timeout } = this.#step.options
      this.#policy = policyOf(retry)
      this.#timeoutMs = timeout === undefined ? this.#ports.timeoutMs : durationMs(timeout)
    } catch (thrown) {
      return this.#end({ type: 'failed', failure: failureOfThrown(thrown) })
    }
    this.#try()
  }

  /** It ended, or nobody wants to know any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Nobody wants to know any more. False where it is over already. */
  abort(why: string): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#callOff()
    this.#running?.controller.abort(new CancelledError(why))
    return true
  }

  #try(): void {
    const running: Running = { controller: lazyController(), isLate: false }
    this.#running = running
    this.#attempt++
    const scope = {
      attempt: this.#attempt,
      get signal() {
        return running.controller.signal()
      },
    }
    try {
      const given = this.#ports.invoke(this.#step, scope)
      if (!isThenable(given)) return this.#succeed(running, given)
      if (this.#timeoutMs > 0) this.#callOff = this.#ports.clock.after(this.#timeoutMs, () => this.#late(running))
      given.then(
        (value) => this.#succeed(running, value),
        (thrown: unknown) => this.#fail(running, thrown),
      )
    } catch (thrown) {
      this.#fail(running, thrown)
    }
  }

  #late(running: Running): void {
    running.isLate = true
    running.controller.abort(new CancelledError(`the step ${this.#step.name} took longer than its timeout`))
    if (this.#running === running)
      this.#callOff = this.#ports.clock.after(LIMITS.overrunMs, () => this.#failed(running, tooLate(this.#step)))
  }

  #succeed(running: Running, value: unknown): void {
    if (this.#running !== running || this.#isOver) return
    this.#end(succeeded(value, `the step ${this.#step.name}`, this.#ports.bytesMax()))
  }

  #fail(running: Running, thrown: unknown): void {
    this.#failed(running, running.isLate && isAbort(thrown) ? tooLate(this.#step) : failureOfThrown(thrown))
  }

  #failed(running: Running, failure: Failure): void {
    if (this.#running !== running || this.#isOver) return
    this.#callOff()
    this.#running = undefined
    const policy = this.#policy
    if (policy === undefined || !retryAllowed(policy, this.#attempt, failure)) return this.#end({ type: 'failed', failure })
    const { clock } = this.#ports
    this.#callOff = clock.after(delayAfter(policy, this.#attempt, clock.draw(), failure), () => this.#try())
  }

  #end(outcome: Outcome): void {
    this.#isOver = true
    this.#callOff()
    this.#running = undefined
    this.#ports.over(this.#step.key, outcome)
  }
}

const tooLate = ({ name }: RunStep): Failure =>
  failureOf('STEP_TIMED_OUT', `the step ${name} did not end within its timeout`, true)

/** Made when somebody looks: a controller costs more than all else of a step. */
const lazyController = (): Running['controller'] => {
  let controller: AbortController | undefined
  let reason: CancelledError | undefined
  return {
    signal: () => {
      if (controller === undefined) {
        controller = new AbortController()
        if (reason !== undefined) controller.abort(reason)
      }
      return controller.signal
    },
    abort: (error) => {
      reason ??= error
      controller?.abort(reason)
    },
  }
}
