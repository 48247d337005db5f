/** The operations that functions of these worlds are made of: how each is drawn, and how it is played. One that comes to the SDK gets a row here. */
import { type FunctionContext, OperationFailedError } from '@tasker/sdk'
import type { Dice } from '../dice.js'
import type { Stage } from './stage.js'

/** One operation, with its numbers drawn. */
export type Operation = { readonly [Kind in OperationKind]: { readonly kind: Kind } & Drawn[Kind] }[OperationKind]

interface Drawn {
  /** Throws at its first attempts; an operation after that. */
  readonly step: { readonly fails: number; readonly caught: boolean; readonly timeoutMs: number | undefined }
  /** The same name again and again. */
  readonly loop: { readonly times: number; readonly keyed: boolean }
  readonly sleep: { readonly ms: number }
  readonly signal: { readonly name: string; readonly timeoutMs: number | undefined }
  readonly all: { readonly branches: readonly Part[]; readonly limit: number | undefined }
  readonly race: { readonly branches: readonly Part[] }
  readonly scope: { readonly part: Part; readonly shielded: boolean }
  readonly facts: object
  readonly state: { readonly name: string }
  readonly patched: object
  readonly compensate: object
}

export type OperationKind = keyof Drawn
export type Part = readonly Operation[]

export const SIGNALS = ['yes', 'no'] as const

/** Where a part stands in the code of its function, and in which life of it. */
export interface Place {
  readonly stage: Stage
  readonly at: string
}

interface Row<Kind extends OperationKind> {
  readonly draw: (dice: Dice, depth: number) => Drawn[Kind]
  readonly play: (ctx: FunctionContext, operation: Drawn[Kind], place: Place) => unknown
}

const FAILS_FOR_GOOD = 9
const MAX_ATTEMPTS = 3

const TABLE: { readonly [Kind in OperationKind]: Row<Kind> } = {
  step: {
    draw: (dice) => ({
      fails: dice.chance(0.7) ? 0 : dice.pick([1, 2, FAILS_FOR_GOOD]),
      caught: dice.chance(0.7),
      timeoutMs: dice.chance(0.3) ? 3_000 : undefined,
    }),
    play: (ctx, { fails, caught, timeoutMs }, { stage, at }) => {
      const timeout = timeoutMs === undefined ? {} : { timeout: timeoutMs }
      const step = ctx.step(
        last(at),
        ({ attempt }) => {
          if (attempt <= fails) throw new Error('simulated')
          return stage.effect(at)
        },
        { retry: { maxAttempts: MAX_ATTEMPTS, backoffBase: 200, maxBackoff: 1_000 }, ...timeout },
      )
      return caught ? step.catch(told) : step
    },
  },
  loop: {
    draw: (dice) => ({ times: dice.between(2, 4), keyed: dice.chance(0.5) }),
    play: async (ctx, { times, keyed }, { stage, at }) => {
      const effects: unknown[] = []
      for (let n = 0; n < times; n++)
        effects.push(await ctx.step(last(at), () => stage.effect(`${at}#${n}`), keyed ? { key: `k${n}` } : {}).catch(told))
      return effects
    },
  },
  sleep: {
    draw: (dice) => ({ ms: dice.chance(0.2) ? dice.between(0, 20) : dice.between(200, 15_000) }),
    play: (ctx, { ms }, { at }) => ctx.sleep(ms, { name: last(at) }),
  },
  signal: {
    draw: (dice) => ({ name: dice.pick(SIGNALS), timeoutMs: dice.chance(0.6) ? dice.between(200, 12_000) : undefined }),
    play: async (ctx, { name, timeoutMs }, { stage, at }) => {
      const given = await (timeoutMs === undefined
        ? ctx.waitForSignal<{ id: string }>(name)
        : ctx.waitForSignal<{ id: string }>(name, { timeout: timeoutMs }))
      if (given !== undefined) stage.took(ctx.taskId, at, name, given.id)
      return given
    },
  },
  all: {
    draw: (dice, depth) => ({ branches: drawBranches(dice, depth), limit: dice.chance(0.3) ? 2 : undefined }),
    play: (ctx, { branches, limit }, place) => ctx.all(branchesOf(branches, place), limit === undefined ? {} : { limit }),
  },
  race: {
    draw: (dice, depth) => ({ branches: drawBranches(dice, depth) }),
    play: (ctx, { branches }, place) => ctx.race(branchesOf(branches, place)),
  },
  scope: {
    draw: (dice, depth) => ({ part: drawPart(dice, depth + 1), shielded: dice.chance(0.4) }),
    play: (ctx, { part, shielded }, { stage, at }) => {
      const run = (within: FunctionContext): Promise<unknown> => playPart(within, part, { stage, at: `${at}/s` })
      return shielded ? ctx.shielded(last(at), run) : ctx.scope(last(at), run)
    },
  },
  facts: {
    draw: () => ({}),
    play: (ctx) => [ctx.now(), ctx.random(), ctx.uuid()],
  },
  state: {
    draw: (dice) => ({ name: dice.pick(['phase', 'count']) }),
    play: (ctx, { name }, { at }) => ctx.setState(name, at),
  },
  patched: {
    draw: () => ({}),
    // What was asked beyond the journal is true only once it is recorded, and then comes before what follows it.
    play: async (ctx, _drawn, { stage, at }) => {
      const patched = ctx.patched(last(at))
      if (patched) stage.saw(ctx.taskId, `${at}/new`, await ctx.step(`${last(at)}-new`, () => stage.effect(at)).catch(told))
      return undefined
    },
  },
  compensate: {
    draw: () => ({}),
    play: (ctx, _drawn, { stage, at }) => ctx.compensate(last(at), () => stage.effect(at)),
  },
}

export const OPERATION_KINDS = Object.keys(TABLE) as readonly OperationKind[]

/** What may stand in a branch: little, and nothing that branches again too often. */
const DEPTH_MAX = 2

export const drawPart = (dice: Dice, depth = 0): Part =>
  Array.from({ length: depth === 0 ? dice.between(2, 6) : dice.between(1, 2) }, () => drawOperation(dice, depth))

const drawOperation = (dice: Dice, depth: number): Operation => {
  const kind = dice.pick(OPERATION_KINDS.filter((each) => depth < DEPTH_MAX || !NESTING.has(each)))
  return { kind, ...TABLE[kind].draw(dice, depth) } as Operation
}

const NESTING: ReadonlySet<OperationKind> = new Set(['all', 'race', 'scope'])

const drawBranches = (dice: Dice, depth: number): readonly Part[] =>
  Array.from({ length: dice.between(2, 3) }, () => drawPart(dice, depth + 1))

/** Plays one operation after another, and gives what each gave. */
export const playPart = async (ctx: FunctionContext, part: Part, { stage, at }: Place): Promise<readonly unknown[]> => {
  const values: unknown[] = []
  for (const [index, operation] of part.entries()) {
    const place = { stage, at: `${at}/${operation.kind}${index}` }
    const value = (await play(ctx, operation.kind, operation, place)) ?? null
    stage.saw(ctx.taskId, place.at, value)
    values.push(value)
  }
  return values
}

const play = <Kind extends OperationKind>(ctx: FunctionContext, kind: Kind, operation: Drawn[Kind], place: Place): unknown =>
  TABLE[kind].play(ctx, operation, place)

const branchesOf = (branches: readonly Part[], { stage, at }: Place) =>
  branches.map((part, index) => (ctx: FunctionContext) => playPart(ctx, part, { stage, at: `${at}/b${index}` }))

const last = (at: string): string => at.slice(at.lastIndexOf('/') + 1)

/** What came of an operation that failed; nothing else is caught. */
const told = (error: unknown): unknown => {
  if (!(error instanceof OperationFailedError)) throw error
  return { failed: error.message }
}
