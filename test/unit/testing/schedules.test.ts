// Schedules on the clock of a test.
import { defineTask } from '@tasker/sdk'
import { createTestEnv } from '@tasker/testing'
import { expect, test } from 'vitest'

const report = defineTask('report', { namespace: 'shop', version: '1.0.0' }).step('write', () => 'written')

test('a schedule fires at its times while a test turns the clock, not while it is paused, and not once it is gone', async () => {
  const env = await createTestEnv({ startAt: new Date('2026-03-01T00:00:00.001Z'), tasks: [report] })
  try {
    const { schedules } = env.client
    const fired = async (): Promise<number> => (await schedules.get('hourly')).fired
    await schedules.create('hourly', { task: report, every: '1h' })
    await env.advance('5h')
    expect(await fired()).toBe(5)
    await schedules.pause('hourly', 'over the weekend')
    await env.advance('2d')
    expect(await fired()).toBe(5)
    await schedules.resume('hourly')
    await env.advance('90m')
    expect(await fired()).toBe(6)
    await schedules.trigger('hourly')
    expect((await schedules.get('hourly')).lastFirings[0]).toMatchObject({ by: 'trigger' })
    await schedules.delete('hourly')
    expect(await schedules.list()).toEqual([])
  } finally {
    await env.close()
  }
})
