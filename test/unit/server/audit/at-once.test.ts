/** What is beyond the bound of audits is turned away, and the bound is free again after good ends and bad ones. */
import { AtOnce } from '@tasker/server/internal/audit/at-once'
import { Fault } from '@tasker/server/internal/faults'
import { expect, test } from 'vitest'

test('two run, a third is told when to come back, and an end makes room', async () => {
  const atOnce = new AtOnce(2)
  const ends: (() => void)[] = []
  const held = [1, 2].map((n) => atOnce.run(() => new Promise<number>((resolve) => ends.push(() => resolve(n)))))
  const refused = await atOnce.run(() => Promise.resolve(3)).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(Fault)
  expect(refused).toMatchObject({ detail: { code: 'BACKPRESSURE', reason: 'AUDIT_BUSY', retryAfterMs: 1_000 } })
  ends[0]?.()
  expect(await held[0]).toBe(1)
  await expect(atOnce.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await atOnce.run(() => Promise.resolve(4))).toBe(4)
  ends[1]?.()
  expect(await held[1]).toBe(2)
})
