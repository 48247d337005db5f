/** Children, signals between functions, and steps that are functions, under a clock that leaps. */
import { defineFunction } from '@tasker/sdk'
import { createTestEnv, type TestEnv } from '@tasker/testing'
import { afterEach, expect, test } from 'vitest'

const opened: TestEnv[] = []

afterEach(async () => {
  for (const env of opened.splice(0)) await env.close()
})

const NAMESPACE = { namespace: 'shop', version: '1.0.0' } as const

const month = defineFunction('month', NAMESPACE, async (ctx, { number }: { readonly number: number }) => {
  await ctx.sleep('30d')
  return number
})

const year = defineFunction('year', NAMESPACE, async (ctx, { tell }: { readonly tell: string }) => {
  const months: number[] = []
  for (let number = 1; number <= 12; number++) months.push(await ctx.child(month, { number }, { key: String(number) }))
  await ctx.signal(tell, 'over', { months: months.length })
  return months
})

const listener = defineFunction('listener', NAMESPACE, (ctx) => ctx.waitForSignal<{ readonly months: number }>('over'))

test('a year of children, one after another, and the signal at its end', async () => {
  const env = await createTestEnv({ tasks: [month, year, listener] })
  opened.push(env)
  const hears = await env.client.submit(listener, {})
  const lives = await env.client.submit(year, { tell: hears.taskId })
  await env.advance('400d')
  expect(await lives.result()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  expect(await hears.result()).toEqual({ months: 12 })
})
