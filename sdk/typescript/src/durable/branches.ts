/**
 * Branches: parts of a function that go on beside each other.
 *
 * N1  A branch that is a function has a scope of its own, named by its place or its name: what it asks for keeps its keys, whoever is first.
 * N2  What is not needed any more is cancelled, but only where it has a scope of its own: a promise may be waited for elsewhere too.
 * N3  With a limit, branches begin in their order, and the next begins when one ends.
 */
import { CancelledError } from '../errors/handler-errors.js'
import type { Answer } from './awaitable.js'
import type { Branch, Branches, FunctionContext } from './context.js'
import { within } from './keys.js'
import { refused } from './misuse.js'
import type { BranchOptions } from './options.js'
import type { Scope } from './scope.js'

/** How branches make one answer. */
export type Gathering = 'all' | 'race' | 'any'

export interface BranchGround {
  readonly scope: Scope
  readonly contextOf: (scope: Scope) => FunctionContext
}

interface Group {
  readonly labels: readonly string[]
  readonly branches: readonly Branch[]
  readonly scopes: Set<Scope>
}

/** Begins the branches and answers when they allow. */
export const gather = (
  how: Gathering,
  ground: BranchGround,
  branches: Branches,
  name: string,
  limit: number,
  answer: Answer,
): void => {
  const path = ground.scope.keys.next(name)
  const group = groupOf(branches)
  const count = group.branches.length
  const values: unknown[] = new Array<unknown>(count).fill(undefined)
  const errors: unknown[] = new Array<unknown>(count).fill(undefined)
  const isNamed = !Array.isArray(branches)
  const open = { begun: 0, succeeded: 0, failed: 0, over: false }

  const finish = (settle: () => void, why: string): void => {
    if (open.over) return
    open.over = true
    for (const scope of group.scopes) scope.cancel(new CancelledError(why))
    settle()
  }
  const won = (index: number, value: unknown): void => {
    values[index] = value
    open.succeeded++
    if (how !== 'all') return finish(() => answer.resolve(value), 'another branch ended before')
    if (open.succeeded === count) finish(() => answer.resolve(isNamed ? named(group.labels, values) : values), '')
  }
  const lost = (index: number, error: unknown): void => {
    errors[index] = error
    open.failed++
    if (how !== 'any')
      return finish(() => answer.reject(error), how === 'all' ? 'another branch failed' : 'another branch ended before')
    if (open.failed === count) finish(() => answer.reject(new AggregateError(errors, 'every branch failed')), '')
  }
  const beginNext = (): void => {
    const index = open.begun
    const branch = group.branches[index]
    if (open.over || branch === undefined) return
    open.begun++
    begin(ground, group, within(path, group.labels[index] ?? ''), branch).then(
      (value) => {
        won(index, value)
        beginNext()
      },
      (error: unknown) => {
        lost(index, error)
        beginNext()
      },
    )
  }
  if (count === 0) return settleEmpty(how, isNamed, answer)
  for (let place = 0; place < limit; place++) beginNext()
}

/** Calls a part of the function with a scope of its own, which ends with it. */
export const runIn = <T>(
  scope: Scope,
  context: FunctionContext,
  run: (context: FunctionContext) => T | PromiseLike<T>,
): Promise<T> => {
  const given = new Promise<T>((resolve) => resolve(run(context)))
  const close = (): void => scope.close()
  given.then(close, close)
  return given
}

const begin = (ground: BranchGround, group: Group, path: string, branch: Branch): Promise<unknown> => {
  if (typeof branch !== 'function') return Promise.resolve(branch)
  const scope = ground.scope.below(path)
  group.scopes.add(scope)
  return runIn(scope, ground.contextOf(scope), branch)
}

const groupOf = (branches: Branches): Group => {
  const entries: readonly (readonly [string, Branch])[] = Object.entries(branches)
  return { labels: entries.map(([label]) => label), branches: entries.map(([, branch]) => branch), scopes: new Set() }
}

const named = (labels: readonly string[], values: readonly unknown[]): unknown =>
  Object.fromEntries(labels.map((label, index) => [label, values[index]]))

/** How many branches run at a time. Throws for what is no count. */
export const limitOf = ({ limit }: BranchOptions, count: number): number => {
  if (limit === undefined) return count
  if (Number.isSafeInteger(limit) && limit > 0) return Math.min(limit, count)
  throw refused('INVALID_COUNT', `the limit of branches is a whole number from 1 up, not ${limit}`)
}

/** As the platform does: all of nothing is nothing, any of nothing fails, a race of nothing never ends. */
const settleEmpty = (how: Gathering, isNamed: boolean, answer: Answer): void => {
  switch (how) {
    case 'all':
      return answer.resolve(isNamed ? {} : [])
    case 'any':
      return answer.reject(new AggregateError([], 'every branch failed'))
    case 'race':
      return undefined
  }
}
