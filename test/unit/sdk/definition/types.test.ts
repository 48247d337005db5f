// What the compiler refuses in a definition; each expectation fails the type check when the compiler accepts it.
import { defineTask, type Client, type TaskHandle } from '@tasker/sdk'
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
