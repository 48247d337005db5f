// What holds for any function and any order of events: random programs in a small world, let go of at any moment.
import { startFunction } from '@tasker/sdk/internal/durable/start'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BEGAN_AT, Process } from './hand-turned.js'
import { bodyOf, diceOf, withoutRaces, withSignals, type Program } from './programs.js'
import { SmallWorld, type Body, type LetGo, type Told } from './small-world.js'

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
