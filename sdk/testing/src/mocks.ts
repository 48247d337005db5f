/** What runs instead of the handlers of steps. */
import { type AroundAttempt, type StepContext, TaskerError } from '@tasker/sdk'

/** Stands for a handler; what it gives or throws is the attempt's. */
export type Mock = (context: StepContext) => unknown

/** `order@1.0.0/charge` is `order/charge`: a mock stands for the step in every version. */
const STEP_OF_VERSION = /^(.+)@[^@/]+\/(.+)$/

export const withoutVersion = (handler: string): string => handler.replace(STEP_OF_VERSION, '$1/$2')

export class Mocks {
  readonly #byName = new Map<string, Mock>()

  /** Returns the way to take it back, which leaves a later one in its place. */
  set(name: string, mock: Mock): () => void {
    this.#byName.set(name, mock)
    return () => {
      if (this.#byName.get(name) === mock) this.#byName.delete(name)
    }
  }

  readonly around: AroundAttempt = (name, context, run) => {
    const mock = this.#byName.get(withoutVersion(name))
    return mock === undefined ? run() : mock(context)
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
