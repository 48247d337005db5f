// What holds for any function and any order of events: random programs in a small world, let go of at any moment.
import type { FunctionContext } from '@tasker/sdk/internal/durable/context'
import { startFunction } from '@tasker/sdk/internal/durable/start'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BEGAN_AT, Process } from './hand-turned.js'
import { SmallWorld, type Body, type LetGo, type Told } from './small-world.js'

/** A program: what it does one after another, beside each other, or until the first is done. */
type Program =
  | { readonly type: 'step' | 'sleep' | 'call' | 'child' | 'send' | 'draw' | 'state'; readonly name: string }
  | { readonly type: 'wait'; readonly name: string; readonly isShort: boolean }
  | { readonly type: 'seq' | 'all' | 'race' | 'plain' | 'scope'; readonly parts: readonly Program[] }

const NAMES = ['a', 'b', 'c'] as const
const name = fc.constantFrom(...NAMES)

/** `kinds` are the ways of making one of several. */
const programs = (kinds: readonly ('seq' | 'all' | 'race' | 'plain' | 'scope')[], leaves: readonly string[]) =>
  fc.letrec<{ program: Program }>((tie) => ({
    program: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'program' },
      fc.record({ type: fc.constantFrom(...(leaves as ['step'])), name }),
      fc.record({ type: fc.constantFrom(...kinds), parts: fc.array(tie('program'), { minLength: 1, maxLength: 3 }) }),
    ),
  })).program

const LEAVES = ['step', 'sleep', 'call', 'child', 'send', 'draw', 'state']
const withoutRaces = programs(['seq', 'all', 'plain', 'scope'], LEAVES)
const withSignals = programs(['seq', 'all', 'race', 'plain', 'scope'], LEAVES).chain((program) =>
  fc.boolean().map((isShort): Program => ({ type: 'race', parts: [program, { type: 'wait', name: 'go', isShort }] })),
)

const run = async (ctx: FunctionContext, program: Program): Promise<unknown> => {
  switch (program.type) {
    case 'step':
      return ctx.step(program.name, () => `did ${program.name}`)
    case 'sleep':
      return ctx.sleep('1h')
    case 'call':
      return ctx.call('Any.Handler', {}, { name: program.name })
    case 'child':
      return ctx.child({ name: 'child', namespace: 'shop', version: '1.0.0' }, {} as never, { name: program.name })
    case 'send':
      return ctx.signal('task', program.name)
    case 'draw':
      return ctx.uuid()
    case 'state':
      return ctx.setState(program.name, ctx.random())
    case 'wait':
      return program.isShort ? ctx.waitForSignal(program.name, { timeout: '1h' }) : ctx.waitForSignal(program.name)
    case 'seq': {
      const results: unknown[] = []
      for (const part of program.parts) results.push(await run(ctx, part))
      return results
    }
    case 'plain':
      return Promise.all(program.parts.map((part) => run(ctx, part)))
    case 'all':
      return ctx.all(program.parts.map((part) => (branch: FunctionContext) => run(branch, part)))
    case 'race':
      return ctx.race(program.parts.map((part) => (branch: FunctionContext) => run(branch, part)))
    case 'scope':
      return ctx.scope('part', (inner) => run(inner, { type: 'seq', parts: program.parts }))
  }
}

const bodyOf =
  (program: Program): Body =>
  (ctx) =>
    run(ctx, program)

/** The same dice again. */
const diceOf = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const live = (
  program: Program,
  seed: number,
  letGo: LetGo,
  prepare: (world: SmallWorld) => void = () => undefined,
): Promise<Told> => {
  const world = new SmallWorld()
  prepare(world)
  return world.live(bodyOf(program), diceOf(seed), letGo)
}

const NEVER: LetGo = () => false
const ALWAYS: LetGo = () => true
const seeds = fc.integer()

const keysOf = ({ journal }: Told): readonly string[] =>
  journal.flatMap((entry) => ('key' in entry ? [`${entry.type} ${entry.key}`] : [])).sort()

/** What a run would have been told, entry by entry; instants aside. */
const factsOf = ({ journal }: Told): readonly string[] => journal.map((entry) => JSON.stringify({ ...entry, at: undefined }))

const RUNS = { numRuns: 150 }

test('any order of events gives the same keys', () =>
  fc.assert(
    fc.asyncProperty(withoutRaces, seeds, seeds, async (program, one, other) => {
      const [first, second] = [await live(program, one, NEVER), await live(program, other, NEVER)]
      expect(first.end).toMatchObject({ type: 'returned' })
      expect(keysOf(second)).toEqual(keysOf(first))
    }),
    RUNS,
  ))

test('letting go of the function after every operation changes nothing', () =>
  fc.assert(
    fc.asyncProperty(withSignals, seeds, async (program, seed) => {
      const prepare = (world: SmallWorld): void => world.signal('go', 'now')
      const [kept, evicted] = [await live(program, seed, NEVER, prepare), await live(program, seed, ALWAYS, prepare)]
      expect(evicted.divergence).toBeUndefined()
      expect(factsOf(evicted)).toEqual(factsOf(kept))
      expect(evicted.end).toEqual(kept.end)
    }),
    RUNS,
  ))

test('a function that is let go of at any moment comes to an end, and no effect is recorded twice', () =>
  fc.assert(
    fc.asyncProperty(withSignals, seeds, seeds, fc.boolean(), async (program, seed, when, isCancelled) => {
      const moment = diceOf(when)
      const told = await live(
        program,
        seed,
        () => moment(3) === 0,
        (world) => {
          world.signal('go', 'now')
          if (isCancelled) world.cancel()
        },
      )
      expect(told.divergence).toBeUndefined()
      expect(told.end).toBeDefined()
      const effects = told.journal.flatMap((entry) =>
        entry.type === 'effect.recorded' && entry.kind === 'step' ? [entry.key] : [],
      )
      expect(new Set(effects).size).toBe(effects.length)
    }),
    RUNS,
  ))

test('a whole journal is replayed to the same end, and nothing is issued', () =>
  fc.assert(
    fc.asyncProperty(withSignals, seeds, async (program, seed) => {
      const told = await live(program, seed, NEVER, (world) => world.signal('go', 'now'))
      const again = await replayed(bodyOf(program), told)
      expect(again).toEqual({ end: told.end, issued: [], divergence: undefined })
    }),
    RUNS,
  ))

const replayed = async (body: Body, { journal }: Told) => {
  const process = new Process()
  const seen: { end: unknown; divergence: unknown; issued: unknown[] } = { end: undefined, divergence: undefined, issued: [] }
  startFunction(
    body,
    undefined as never,
    { taskId: 'task', seed: 'task', startedAt: BEGAN_AT, history: journal },
    {
      issue: (commands) => seen.issued.push(...commands),
      end: (end, commands) => {
        seen.end = end
        seen.issued.push(...commands)
      },
      diverged: (divergence) => {
        seen.divergence = divergence
      },
    },
    process.baton,
  )
  await process.rest()
  return seen
}
