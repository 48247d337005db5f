/** What runs instead of the handlers of steps. */
import { type AroundAttempt, type AroundFunctionStep, type StepContext, type StepScope, TaskerError } from '@tasker/sdk'

/**
 * Stands for a handler, or for a step of a durable function, which is told a `StepScope`. What it gives or throws is the attempt's.
 */
export type Mock<Context extends StepScope = StepContext> = (context: Context) => unknown

/** `order@1.0.0/charge` is `order/charge`: a mock stands for the step in every version. */
const STEP_OF_VERSION = /^(.+)@[^@/]+\/(.+)$/

export const withoutVersion = (handler: string): string => handler.replace(STEP_OF_VERSION, '$1/$2')

export class Mocks {
  readonly #byName = new Map<string, Mock<never>>()

  /** Returns the way to take it back, which leaves a later one in its place. */
  set(name: string, mock: Mock<never>): () => void {
    this.#byName.set(name, mock)
    return () => {
      if (this.#byName.get(name) === mock) this.#byName.delete(name)
    }
  }

  readonly around: AroundAttempt = (name, context, run) => this.#insteadOf(withoutVersion(name), context, run)

  readonly aroundFunctionStep: AroundFunctionStep = (step, scope, run) =>
    this.#insteadOf(`${step.function}/${step.name}`, scope, run)

  #insteadOf(name: string, context: StepScope, run: () => unknown): unknown {
    const mock = this.#byName.get(name)
    // The wall of the types: whoever sets a mock says what the step is told.
    return mock === undefined ? run() : mock(context as never)
  }
}

export const nothingToMock = (name: string, known: readonly string[]): TaskerError =>
  new TaskerError({
    code: 'INVALID_INPUT',
    reason: 'NOTHING_TO_MOCK',
    message: `no step of the tasks of this test is called ${name}`,
    hint:
      known.length === 0
        ? 'give the task to `createTestEnv({ tasks })`, or mock the handler of a template with `mockHandler`'
        : `the steps are: ${known.join(', ')}`,
  })
