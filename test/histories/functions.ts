/** The functions whose histories are kept. Their code is never changed but as a user would change it: behind `patched`. */
import { defineFunction, defineTask, type FunctionDefinition } from '@tasker/sdk'

const parcel = defineTask('parcel', { namespace: 'shop', version: '1.0.0' }).step('send', () => 'sent')

/** Every operation there is, once. */
const everything = defineFunction(
  'everything',
  { namespace: 'shop', version: '1.0.0' },
  async (ctx, input: { readonly n: number }) => {
    const drawn = [ctx.uuid(), ctx.random(), ctx.now()]
    ctx.setState('phase', 'begun')
    ctx.compensate('undo', () => 'undone')
    const single = await ctx.step('single', () => input.n)
    const named = await ctx.all({
      left: async (branch) => [await branch.step('get', () => 'l'), branch.uuid()],
      right: async (branch) => [await branch.step('get', () => 'r'), branch.uuid()],
    })
    const plain = await Promise.all([
      ctx.step('page', () => 1),
      ctx.step('page', () => 2),
      ctx.step('page', () => 3, { key: 'last' }),
    ])
    const raced = await ctx.race({
      fast: (branch) => branch.step('fast', () => 'fast'),
      slow: (branch) => branch.sleep('1h').then(() => 'slow'),
    })
    const any = await ctx.any([(branch) => branch.call('Any.Handler', { n: input.n })])
    const child = await ctx.child(parcel, {})
    const note = await ctx.waitForSignal('note', { timeout: '7d' })
    await ctx.signal('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'hello', { from: 'everything' })
    const part = await ctx.scope('part', (inner) => inner.step('a/b#c@d%', () => 'odd name'))
    const kept = await ctx.shielded('kept', (inner) => inner.step('kept', () => 'kept'))
    const patched = ctx.patched('second edition')
    if (patched) await ctx.step('new', () => 'new')
    ctx.setState('phase', 'done')
    return { drawn, single, named, plain, raced, any, child, note, part, kept, patched }
  },
)

/** A booking that fails and is taken back. */
const booking = defineFunction('booking', { namespace: 'shop', version: '1.0.0' }, async (ctx) => {
  for (const what of ['flight', 'hotel']) {
    await ctx.step(what, () => `${what} booked`)
    ctx.compensate(what, () => `${what} given back`)
  }
  await ctx.step('car', () => 'booked')
})

/** By name, as the files say it. */
export const FUNCTIONS: Readonly<Record<string, FunctionDefinition>> = { everything, booking }
