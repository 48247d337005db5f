// Durable functions as their authors write them, and their histories replayed against the code.
import { defineFunction, defineTask, FunctionDivergedError, replay, type JournalEntry, type JournalFact } from '@tasker/sdk'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

const BEGAN_AT = Date.UTC(2026, 0, 1)
const journalOf = (...facts: JournalFact[]): readonly JournalEntry[] =>
  facts.map((fact, index) => ({ ...fact, at: BEGAN_AT + index }))
const step = (key: string, result: unknown): JournalFact => ({
  type: 'effect.recorded',
  kind: 'step',
  key,
  outcome: { type: 'succeeded', result: JSON.stringify(result) },
})
const given = (input: unknown, ...facts: JournalFact[]) => ({
  taskId: '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  startedAt: BEGAN_AT,
  input,
  journal: journalOf(...facts),
})

const order = defineTask('order', { namespace: 'shop', version: '1.0.0', input: z.object({ id: z.string() }) }).step(
  'ship',
  () => 1,
)

const renewal = defineFunction(
  'renewal',
  { namespace: 'shop', version: '1.0.0', input: z.object({ plan: z.string().default('basic') }) },
  async (ctx, input) => {
    const invoice = await ctx.step('invoice', () => ({ id: `invoice for ${input.plan}`, at: new Date() }))
    await ctx.sleep('30d')
    const answer = await ctx.waitForSignal<{ why: string }>('cancel', { timeout: '7d' })
    if (answer !== undefined) return { invoice: invoice.id, cancelled: answer.why }
    const shipped = await ctx.child(order, { id: invoice.id })
    return { invoice: invoice.id, shipped: shipped.ship }
  },
)

test('a history that fits is replayed to where the function waits, with what it asks for next', async () => {
  expect(await replay(given({ plan: 'pro' }), renewal)).toMatchObject({
    type: 'waiting',
    asksFor: [{ type: 'step', key: 'invoice' }],
  })
  expect(await replay(given({}, step('invoice', { id: 'i-1', at: '' })), renewal)).toMatchObject({
    type: 'waiting',
    asksFor: [{ type: 'timer', key: 'sleep', dueAt: BEGAN_AT + 30 * 86_400_000 }],
  })
})

test('a history that fits to its end gives the end', async () => {
  const history = given(
    {},
    step('invoice', { id: 'i-1', at: '' }),
    { type: 'timer.started', kind: 'timer', key: 'sleep', dueAt: 1 },
    { type: 'timer.fired', kind: 'timer', key: 'sleep' },
    { type: 'timer.started', kind: 'signal', key: 'cancel', dueAt: 2 },
    { type: 'signal.received', number: 1, name: 'cancel', payload: '{"why":"moved away"}' },
  )
  expect(await replay(history, renewal)).toEqual({
    type: 'ended',
    end: { type: 'returned', result: '{"invoice":"i-1","cancelled":"moved away"}' },
  })
})

test('a history that waits for what it has asked for asks for nothing', async () => {
  const started: JournalFact = { type: 'timer.started', kind: 'timer', key: 'sleep', dueAt: 1 }
  expect(await replay(given({}, step('invoice', { id: 'i-1', at: '' }), started), renewal)).toEqual({
    type: 'waiting',
    asksFor: [],
  })
})

test('a history that does not fit is an error that names both operations and the line', async () => {
  const history = given({}, step('quote', { id: 'q-1' }))
  const error: unknown = await replay(history, renewal).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(FunctionDivergedError)
  expect(error).toMatchObject({
    code: 'INVALID_STATE',
    reason: 'FUNCTION_DIVERGED',
    divergence: { expected: { key: 'quote' }, actual: { key: 'invoice' } },
  })
  expect((error as Error).message).toMatch(
    /^the function renewal has diverged: the journal has the step quote where the function asked for the step invoice \(.*replay\.test\.ts:\d+:\d+\)$/,
  )
})

test('an input that does not fit the schema is refused with its path', async () => {
  await expect(replay(given({ plan: 7 }), renewal)).rejects.toMatchObject({
    reason: 'INPUT_SCHEMA_VIOLATION',
    errors: [{ path: '/plan' }],
  })
})

test('names are checked when a function is defined', () => {
  const define = (name: string, namespace: string, version: string) => () => defineFunction(name, { namespace, version }, () => 1)
  for (const wrong of ['', 'n'.repeat(256)]) {
    expect(define(wrong, 'shop', '1.0.0')).toThrow(/the name of a function/)
    expect(define('f', wrong, '1.0.0')).toThrow(/the name of a namespace/)
    expect(define('f', 'shop', wrong)).toThrow(/the name of a version/)
  }
})

test('the types follow the code from the input to the result', () => {
  type InputOf<Defined> = Defined extends { types?: { input: (input: infer Input) => void } } ? Input : never
  type ResultOf<Defined> = Defined extends { types?: { result: infer Result } } ? Result : never
  expectTypeOf<InputOf<typeof renewal>>().toEqualTypeOf<{ plan?: string | undefined }>()
  expectTypeOf<ResultOf<typeof renewal>['invoice']>().toEqualTypeOf<string>()
  expectTypeOf<ResultOf<typeof renewal>['shipped']>().toEqualTypeOf<number | undefined>()
  defineFunction('typed', { namespace: 'shop', version: '1.0.0' }, async (ctx, input: { pages: number }) => {
    expectTypeOf(await ctx.step('date', () => new Date())).toEqualTypeOf<string>()
    expectTypeOf(await ctx.all({ a: ctx.step('a', () => 1), b: (branch) => branch.uuid() })).toEqualTypeOf<{
      a: number
      b: string
    }>()
    expectTypeOf(await ctx.race([ctx.step('a', () => 1), ctx.step('b', () => 'b')])).toEqualTypeOf<number | string>()
    expectTypeOf(await ctx.waitForSignal<{ n: number }>('note')).toEqualTypeOf<{ n: number }>()
    return input.pages > 9 ? ctx.continueAs({ pages: 0 }) : input.pages
  })
})
