// What holds for any durable function on any worker: kept, replayed always, lost, or cut off, it does the same.
import { defineFunction, type FunctionDefinition } from '@tasker/sdk'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bodyOf, diceOf, withoutRaces, withSignals, type Program } from '../durable/programs.js'
import { JournalServer, live, resultOf } from './journal-server.js'

const definitionOf = (program: Program): FunctionDefinition =>
  defineFunction('any', { namespace: 'shop', version: '1.0.0' }, bodyOf(program) as never)

const RUNS = { numRuns: 150 }
const seeds = fc.integer()

const factsOf = ({ facts }: JournalServer): readonly string[] => facts.map((fact) => JSON.stringify({ ...fact, atMs: 0 }))

const keysOf = ({ facts }: JournalServer): readonly string[] => facts.map(({ key, fact }) => `${fact?.$case} ${key}`).sort()

const withSignal = (program: Program, options: ConstructorParameters<typeof JournalServer>[1] = {}): JournalServer => {
  const server = new JournalServer(definitionOf(program), options)
  server.signal('go', 'now')
  return server
}

test('replaying the function after every operation changes nothing', () =>
  fc.assert(
    fc.asyncProperty(withSignals, seeds, async (program, seed) => {
      const kept = await live(withSignal(program), diceOf(seed))
      const replayed = await live(withSignal(program, { replayFunctionsAlways: true }), diceOf(seed))
      expect(kept.result).toBeDefined()
      expect(resultOf(replayed)).toEqual(resultOf(kept))
      expect(factsOf(replayed)).toEqual(factsOf(kept))
    }),
    RUNS,
  ))

test('keeping nothing changes nothing', () =>
  fc.assert(
    fc.asyncProperty(withSignals, seeds, async (program, seed) => {
      const kept = await live(withSignal(program), diceOf(seed))
      const forgetful = await live(withSignal(program, { functionCacheBytes: 0 }), diceOf(seed))
      expect(resultOf(forgetful)).toEqual(resultOf(kept))
      expect(factsOf(forgetful)).toEqual(factsOf(kept))
    }),
    RUNS,
  ))

test('workers that are lost, and streams that break, change nothing', () =>
  fc.assert(
    fc.asyncProperty(withoutRaces, seeds, seeds, async (program, seed, when) => {
      const moment = diceOf(when)
      const calm = await live(new JournalServer(definitionOf(program)), diceOf(seed))
      const troubled = await live(new JournalServer(definitionOf(program)), diceOf(seed), async (server) => {
        const drawn = moment(4)
        if (drawn === 0) {
          await server.newWorker()
          server.start()
        }
        if (drawn === 1) await server.reconnect()
      })
      expect(troubled.result).toBeDefined()
      expect(resultOf(troubled)).toEqual(resultOf(calm))
      expect(keysOf(troubled)).toEqual(keysOf(calm))
    }),
    RUNS,
  ))
