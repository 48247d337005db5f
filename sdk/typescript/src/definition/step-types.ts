/** The types of a definition's steps: what a handler's return is for those who read it, and which steps may never exist. */
import type { BatchWorkerContext, DecisionContext, StepContext } from '../step/context.js'
import type { Jsonified } from '../step/json.js'
import type { Decision, Failed, Success } from '../step/outcome.js'

/** What other steps see of what a handler returned. */
export type ResultOf<Returned> = Told<Awaited<Returned>>

type Told<Value> = Value extends Failed ? never : Value extends Success<infer Result> ? Jsonified<Result> : Jsonified<Value>

/** A name that is not taken. */
export type NewName<Name extends string, Steps> = Name extends keyof Steps ? `the step '${Name}' is defined already` : Name

/** What a step sees of those it waits for. One that waits for a single step runs only where that exists; of several, some may be missing. */
export type DepsOf<Steps, After extends readonly (keyof Steps & string)[]> = {
  readonly [Dependency in After[number]]: After extends readonly [unknown]
    ? Exclude<Steps[Dependency], undefined>
    : Steps[Dependency]
}

/** The result of a step behind a decision may be missing, and so may that of what follows it. */
export type ResultBehind<Steps, After extends keyof Steps, Decisions, Result> = [Extract<After, Decisions>] extends [never]
  ? undefined extends Steps[After]
    ? Result | undefined
    : Result
  : Result | undefined

/** `route` takes the names that the decision says it may choose. */
export interface TypedDecisionContext<Branch extends string> extends Omit<DecisionContext, 'route'> {
  readonly route: (...steps: readonly Branch[]) => Decision
}

export type TypedDecision<Seen, Deps, Branch extends string> = StepContext<Seen, Deps> & TypedDecisionContext<Branch>
export type TypedBatchWorker<Seen> = StepContext<Seen> & BatchWorkerContext
