import type { Plan } from '@tasker/core'
import { environmentHashes, planIn } from '@tasker/server/internal/templates/environment'
import { readTemplate } from '@tasker/server/internal/templates/parse'
import { expect, test } from 'vitest'

const planWith = (environments: object): Plan => {
  const steps = [{ name: 'a', handler: { callable: 'A' } }]
  const reading = readTemplate(JSON.stringify({ name: 'order', namespace_name: 'shop', version: '1.0.0', steps, environments }))
  if (reading.type !== 'valid') throw new Error(JSON.stringify(reading.problems))
  return reading.plan
}

const OVERRIDE = { steps: [{ name: 'a', timeout_seconds: 7 }] }

test('an environment that overrides something has a plan and a hash of its own, known before the plan is made', () => {
  const plan = planWith({ production: OVERRIDE, test: OVERRIDE, idle: { steps: [] } })
  const production = planIn(plan, 'production')
  expect(production.steps[0]?.timeoutMs).toBe(7_000)
  expect(environmentHashes(plan)).toEqual([
    [production.hash, 'production'],
    [planIn(plan, 'test').hash, 'test'],
  ])
  expect(new Set([plan.hash, production.hash, planIn(plan, 'test').hash]).size).toBe(3)
})

test('an environment that overrides nothing has the very plan', () => {
  const plan = planWith({ idle: {} })
  for (const environment of [undefined, 'idle', 'unknown']) expect(planIn(plan, environment)).toBe(plan)
})
