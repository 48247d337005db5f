/** The context of a scope. */
import { checkName } from '../definition/check-name.js'
import { validated } from '../definition/schema.js'
import { LIMITS } from '../limits.js'
import { askCall, askChild, askSend, askSignal, askSleep, askStep, askUntil, type Asker } from './asking.js'
import { gather, limitOf, runIn, type Gathering } from './branches.js'
import type { AnyBranchResult, Branches, BranchResults, ChildDefinition, FunctionContext } from './context.js'
import { siteOf } from './divergence.js'
import type { Ending } from './ending.js'
import { within } from './keys.js'
import type { BranchOptions, NamedChildOptions, SignalOptions } from './options.js'
import { givenText } from './outcome.js'
import { diceOf, fraction, uuidFrom, type Dice } from './random.js'
import type { Run } from './run.js'
import type { Scope } from './scope.js'

/** What all contexts of a run share. */
export interface Ground {
  readonly run: Run
  readonly ending: Ending
}

export const contextOf = (ground: Ground, scope: Scope): FunctionContext => ({
  taskId: ground.run.taskId,
  get cancellation() {
    return scope.signal
  },
  ...operationsOf(ground.run, scope),
  ...branchesOf(ground, scope),
  ...surroundingsOf(ground, scope),
})

type Operations = Pick<FunctionContext, 'step' | 'call' | 'child' | 'sleep' | 'waitForSignal' | 'until' | 'signal'>

/** Each names itself, so that the line that called it can be told. */
const operationsOf = (run: Run, scope: Scope): Operations => {
  const from = (below: (...args: never[]) => unknown): Asker => ({ run, scope, site: siteOf(below) })
  const step: Operations['step'] = (name, body, options = {}) => askStep(from(step), name, body, options)
  const call: Operations['call'] = (handler, input, options = {}) =>
    askCall(from(call), typeof handler === 'string' ? handler : handler.callable, input, options)
  const child = <Result>(of: ChildDefinition<never, Result> | string, input: unknown, options: NamedChildOptions = {}) => {
    const { namespace = '', version = '' } = options
    return askChild<Result>(from(child), typeof of === 'string' ? { name: of, namespace, version } : of, input, options)
  }
  const sleep: Operations['sleep'] = (time, options = {}) => askSleep(from(sleep), time, options)
  const signal: Operations['signal'] = (taskId, name, payload, options = {}) =>
    askSend(from(signal), taskId, name, payload, options)
  const waitForSignal = <Payload>(name: string, options: SignalOptions<Payload> = {}): Promise<Payload> =>
    askSignal(from(waitForSignal), name, options)
  const until: Operations['until'] = (condition, options = {}) => askUntil(from(until), condition, options)
  return { step, call, child, sleep, signal, waitForSignal, until }
}

type Gatherings = Pick<FunctionContext, 'all' | 'race' | 'any' | 'scope' | 'shielded'>

const branchesOf = (ground: Ground, scope: Scope): Gatherings => {
  const { run } = ground
  const gathered = <T>(how: Gathering, branches: Branches, options: BranchOptions = {}): Promise<T> => {
    const name = options.name ?? how
    checkName(name, 'branches')
    run.guard(scope, `${how} ${name}`)
    const limit = limitOf(options, Object.keys(branches).length)
    const answer = run.awaitable<T>(`the branches ${name}`)
    gather(how, { scope, contextOf: (below) => contextOf(ground, below) }, branches, name, limit, answer)
    return answer
  }
  const part = <T>(name: string, body: (context: FunctionContext) => T | PromiseLike<T>, isShielded: boolean): Promise<T> => {
    run.guard(scope, `the scope ${name}`)
    checkName(name, 'a scope')
    const below = scope.below(scope.keys.next(name), isShielded)
    const answer = run.awaitable<T>(`the scope ${name}`)
    runIn(below, contextOf(ground, below), body).then(
      (value) => answer.resolve(value),
      (error: unknown) => answer.reject(error),
    )
    return answer
  }
  return {
    all: <const B extends Branches>(branches: B, options?: BranchOptions) => gathered<BranchResults<B>>('all', branches, options),
    race: <const B extends Branches>(branches: B, options?: BranchOptions) =>
      gathered<AnyBranchResult<B>>('race', branches, options),
    any: <const B extends Branches>(branches: B, options?: BranchOptions) =>
      gathered<AnyBranchResult<B>>('any', branches, options),
    scope: (name, body) => part(name, body, false),
    shielded: (name, body) => part(name, body, true),
  }
}

/** The scope of updates: no name of a user has that mark. */
const UPDATE = '#update'

type Surroundings = Omit<FunctionContext, 'taskId' | 'cancellation' | keyof Operations | keyof Gatherings>

const surroundingsOf = ({ run, ending }: Ground, scope: Scope): Surroundings => {
  let made: Dice | undefined
  const dice = (): Dice => (made ??= diceOf(run.seed, scope.path))
  const guarded = (what: string): void => run.guard(scope, what)
  return {
    now: () => {
      guarded('the time')
      return run.now
    },
    random: () => {
      guarded('a random number')
      return fraction(dice())
    },
    uuid: () => {
      guarded('a UUID')
      return uuidFrom(dice())
    },
    patched: (id) => {
      guarded(`the patch ${id}`)
      checkName(id, 'a patch')
      return run.patched(id)
    },
    setState: (name, value) => {
      guarded(`the state ${name}`)
      checkName(name, 'a state')
      run.state.set(name, givenText(value, `the state ${name}`, LIMITS.stateBytesMax))
    },
    onUpdate: (name, schema, handler) => {
      guarded(`the update ${name}`)
      checkName(name, 'an update')
      run.updates.handle(name, {
        check: (payload) => validated(schema, payload, `the update ${name}`),
        run: (payload, id) => {
          const below = scope.below(within(UPDATE, id))
          // The payload is what the schema gave.
          return runIn(below, contextOf({ run, ending }, below), (context) => handler(payload as never, context))
        },
      })
    },
    compensate: (name, body, options = {}) => {
      guarded(`the way back ${name}`)
      checkName(name, 'a way back')
      ending.compensate({ name, run: body, options })
    },
    continueAs: (input) => {
      guarded('to go on as new')
      return ending.continueAs(givenText(input, 'the function that goes on as new', LIMITS.operationInputBytesMax))
    },
  }
}
