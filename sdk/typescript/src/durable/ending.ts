/**
 * How a function ends: what it gave or threw, after what has to be taken back was taken back.
 *
 * X1  What a failed or cancelled function asked to be taken back is, the last first, each as a step of its own, though the function is cancelled.
 * X2  A step back that fails does not keep the others from being taken; the function has failed then, and says which.
 * X3  A function that never awaited an operation has failed: nobody would have heard how that ended.
 */
import { isAbort } from '../errors/failure.js'
import { LIMITS } from '../limits.js'
import type { Continued } from './context.js'
import { notAwaited, refused, tooMany } from './misuse.js'
import type { StepOptions, StepScope } from './options.js'
import { failureOfThrown, succeeded } from './outcome.js'
import type { FunctionEnd } from './port.js'
import type { Run } from './run.js'

/** One way back. */
export interface WayBack {
  readonly name: string
  readonly run: (scope: StepScope) => unknown
  readonly options: StepOptions
}

export class Ending {
  readonly #run: Run
  readonly #waysBack: WayBack[] = []
  #continued: { readonly mark: Continued; readonly input: string } | undefined

  constructor(run: Run) {
    this.#run = run
  }

  /** Throws for one too many. */
  compensate(wayBack: WayBack): void {
    if (this.#waysBack.length >= LIMITS.functionOperationsMax) throw tooMany(`the way back ${wayBack.name}`)
    this.#waysBack.push(wayBack)
  }

  /** `input` is JSON text. */
  continueAs(input: string): Continued {
    const mark: Continued = Object.freeze({ type: 'continued' })
    this.#continued = { mark, input }
    return mark
  }

  /** The function returned. */
  returned(value: unknown): FunctionEnd {
    const unawaited = this.#run.neverAwaited
    if (unawaited !== undefined) return failed(notAwaited(unawaited))
    if (this.#continued !== undefined) return this.#goesOn(value, this.#continued)
    const outcome = succeeded(value, 'the function')
    return outcome.type === 'succeeded' ? { type: 'returned', result: outcome.result } : outcome
  }

  /** The function threw. */
  threw(error: unknown): FunctionEnd {
    const isCancelled = this.#run.root.cancelled !== undefined && isAbort(error)
    return isCancelled ? { type: 'cancelled' } : failed(error)
  }

  /** X1 and X2: what is to be taken back is, and then this is the end. */
  takeBack(end: FunctionEnd, step: (wayBack: WayBack) => PromiseLike<unknown>, done: (end: FunctionEnd) => void): void {
    const failures: string[] = []
    const next = (): void => {
      // It was let go of meanwhile: another run takes back.
      if (this.#run.isOver) return
      const wayBack = this.#waysBack.pop()
      if (wayBack === undefined) return done(failures.length === 0 ? end : notTakenBack(end, failures))
      step(wayBack).then(next, (error: unknown) => {
        failures.push(`${wayBack.name}: ${failureOfThrown(error).message}`)
        next()
      })
    }
    next()
  }

  #goesOn(value: unknown, { mark, input }: { readonly mark: Continued; readonly input: string }): FunctionEnd {
    if (value === mark) return { type: 'continued', input, unread: this.#run.mailbox.unread }
    const message = 'the function asked to go on as new, and returned something else'
    return failed(refused('CONTINUE_NOT_RETURNED', message, 'write `return ctx.continueAs(input)`'))
  }
}

const failed = (error: unknown): FunctionEnd => ({ type: 'failed', failure: failureOfThrown(error) })

const notTakenBack = (end: FunctionEnd, failures: readonly string[]): FunctionEnd => {
  const cause = end.type === 'failed' ? end.failure.message : 'the task was cancelled'
  return failed(refused('COMPENSATION_FAILED', `${cause}; and this was not taken back: ${failures.join('; ')}`))
}
