// What the compiler refuses in a definition; each expectation fails the type check when the compiler accepts it.
import {
  defineTask,
  failure,
  StepHandler,
  success,
  type Client,
  type DecisionContext,
  type JsonValue,
  type StepContext,
  type TaskHandle,
} from '@tasker/sdk'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

const order = defineTask('order', {
  namespace: 'shop',
  version: '1.0.0',
  input: z.object({ orderId: z.string(), count: z.number().default(1) }),
})
  .step('validate', ({ input }) => ({ total: input.count * 2, at: new Date(0) }))
  .step('charge', { after: ['validate'] }, async ({ deps }) => ({ paid: deps.validate.total }))
  .step('label', { after: ['validate'] }, () => undefined)

test('deps have the types of the results they come from, after their way through JSON', () => {
  order.step('ship', { after: ['charge', 'validate'] }, ({ deps, input }) => {
    expectTypeOf(deps.charge).toEqualTypeOf<{ paid: number }>()
    expectTypeOf(deps.validate.at).toEqualTypeOf<string>()
    expectTypeOf(input).toEqualTypeOf<{ orderId: string; count: number }>()
    return null
  })
  expect(order.steps.map((step) => step.name)).toEqual(['validate', 'charge', 'label'])
})

test('a wrong dependency name does not compile', () => {
  // @ts-expect-error no step is called chrage
  expect(() => order.step('ship', { after: ['chrage'] }, () => null)).toThrow(/chrage/)
})

test('a wrong field of a dependency does not compile', () => {
  // @ts-expect-error the result of validate has no field sum
  order.step('ship', { after: ['validate'] }, ({ deps }) => typeof deps.validate.sum)
  // @ts-expect-error charge is not among the steps it waits for
  order.step('ship', { after: ['validate'] }, ({ deps }) => typeof deps.charge)
  // @ts-expect-error a step without `after` has no deps
  order.step('ship', ({ deps }) => typeof deps.validate)
  // @ts-expect-error the input has no field customer
  order.step('ship', ({ input }) => typeof input.customer)
  expect(order.steps).toHaveLength(3)
})

test('a step that is defined twice does not compile', () => {
  // @ts-expect-error validate is defined already
  expect(() => order.step('validate', () => null)).toThrow(/validate is defined twice/)
})

test('the input of a submission and the result of a handle follow from the definition', () => {
  const submits = (client: Client) => {
    expectTypeOf(client.submit(order, { orderId: 'A-1' })).toEqualTypeOf<
      Promise<TaskHandle<{ readonly charge: { paid: number }; readonly label: null }>>
    >()
    return [
      // @ts-expect-error orderId is a text
      client.submit(order, { orderId: 1 }),
      // @ts-expect-error orderId is missing
      client.submit(order, {}),
    ]
  }
  expect(submits).toBeTypeOf('function')
})

const approved = defineTask('approved', { namespace: 'shop', version: '1.0.0', input: z.object({ cents: z.number() }) })
  .step('check', ({ input }) => ({ cents: input.cents }))
  .decision('choose', { after: ['check'], branches: ['auto', 'manager'] }, ({ route, deps }) =>
    deps.check.cents > 5 ? route('manager') : route('auto'),
  )
  .step('auto', { after: ['choose'] }, () => 'auto')
  .step('manager', { after: ['choose'] }, () => ({ who: 'manager' }))

test('a step behind a decision may be missing, and its type says so where it is not the only one that is waited for', () => {
  const closed = approved
    .step('told', { after: ['manager'] }, ({ deps }) => {
      expectTypeOf(deps.manager).toEqualTypeOf<{ who: string }>()
      return deps.manager.who
    })
    .step('close', { after: ['auto', 'told', 'choose'] }, ({ deps }) => {
      expectTypeOf(deps.auto).toEqualTypeOf<string | undefined>()
      expectTypeOf(deps.told).toEqualTypeOf<string | undefined>()
      expectTypeOf(deps.choose).toEqualTypeOf<JsonValue>()
      return 1
    })
  const submits = (client: Client) =>
    expectTypeOf(client.submit(closed, { cents: 1 })).toEqualTypeOf<Promise<TaskHandle<{ readonly close: number | undefined }>>>()
  expect(submits).toBeTypeOf('function')
})

test('a decision names its branches, and waits for something', () => {
  // @ts-expect-error it may not choose refuse
  approved.decision('again', { after: ['check'], branches: ['accept'] }, ({ route }) => route('refuse'))
  // @ts-expect-error a decision gives its branches, no plain value
  approved.decision('again', { after: ['check'], branches: ['accept'] }, () => 'accept')
  // @ts-expect-error a decision is never the first
  approved.decision('again', { after: [], branches: ['accept'] }, () => failure('never asked'))
  expect(approved.steps).toHaveLength(4)
})

test('the parts of a batch come together as a list', () => {
  const summed = approved
    .batch(
      'parts',
      { after: ['check'] },
      ({ batches, deps }) => batches([{ start: 0, end: deps.check.cents }]),
      ({ batch }) => ({ at: new Date(Number(batch.start)) }),
    )
    .step('total', { after: ['parts'] }, ({ deps }) => {
      expectTypeOf(deps.parts).toEqualTypeOf<readonly { at: string }[]>()
      return deps.parts.length
    })
  expect(summed.steps.map(({ name }) => name)).toEqual(['check', 'choose', 'auto', 'manager', 'split_parts', 'parts', 'total'])
})

test('a wrapped result is seen without its wrapping, and a returned failure by nobody', () => {
  order
    .step('wrapped', ({ input }) => (input.count > 1 ? success({ count: input.count }, { note: 'x' }) : failure('too few')))
    .step('next', { after: ['wrapped'] }, ({ deps }) => {
      expectTypeOf(deps.wrapped).toEqualTypeOf<{ count: number }>()
      return null
    })
  expect(order.steps).toHaveLength(3)
})

test('a class of a kind gives what its kind gives', () => {
  class Route extends StepHandler<DecisionContext> {
    readonly callable = 'Route'
    // @ts-expect-error a decision gives its branches, no plain value
    call(): string {
      return 'auto'
    }
  }
  class Count extends StepHandler {
    readonly callable = 'Count'
    call({ input }: StepContext<{ rows: number }>): number {
      return input.rows
    }
  }
  expect([new Route().callable, new Count().callable]).toEqual(['Route', 'Count'])
})
