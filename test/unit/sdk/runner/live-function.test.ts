// F2 of `runner/live-function.ts`: a function may be begun again at any moment, and that changes nothing.
import { defineFunction } from '@tasker/sdk'
import type { FunctionEnd } from '@tasker/sdk/internal/durable/port'
import { LiveFunction } from '@tasker/sdk/internal/runner/live-function'
import { expect, test } from 'vitest'
import { effect, entriesOf } from '../durable/hand-turned.js'

const turns = async (): Promise<void> => {
  for (let n = 0; n < 10; n++) await new Promise((resolve) => setImmediate(resolve))
}

test('a function that was told it is patched is told so when it is begun again, though the journal has not heard of it', async () => {
  const definition = defineFunction('renewal', { namespace: 'shop', version: '1.0.0' }, async (ctx) => {
    const slow = ctx.step('slow', () => 1)
    await ctx.step('quick', () => 2)
    const patched = ctx.patched('new')
    await slow
    return patched
  })
  const asked: string[] = []
  const ends: FunctionEnd[] = []
  const holder = {
    rests: (commands: readonly { type: string; key: string }[]) =>
      void asked.push(...commands.map(({ type, key }) => `${type} ${key}`)),
    ended: (end: FunctionEnd) => void ends.push(end),
    diverged: () => undefined,
  }
  const live = new LiveFunction(definition, { taskId: 'task', life: 1, input: '{}', beganAtMs: 0 }, [], holder)
  await turns()
  live.tell(entriesOf([effect('quick', 2)]))
  await turns()
  expect(asked).toEqual(['step slow', 'step quick', 'patch new'])
  live.again(entriesOf([effect('slow', 1)], 1))
  await turns()
  expect(ends).toEqual([{ type: 'returned', result: 'true' }])
  expect(asked).toEqual(['step slow', 'step quick', 'patch new'])
})
