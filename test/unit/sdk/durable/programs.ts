// Random durable functions: what they do one after another, beside each other, or until the first is done.
import type { FunctionContext } from '@tasker/sdk/internal/durable/context'
import fc from 'fast-check'
import type { Body } from './small-world.js'

/** A program: what it does one after another, beside each other, or until the first is done. */
export type Program =
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
export const withoutRaces = programs(['seq', 'all', 'plain', 'scope'], LEAVES)
export const withSignals = programs(['seq', 'all', 'race', 'plain', 'scope'], LEAVES).chain((program) =>
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

export const bodyOf =
  (program: Program): Body =>
  (ctx) =>
    run(ctx, program)

/** The same dice again. */
export const diceOf = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
