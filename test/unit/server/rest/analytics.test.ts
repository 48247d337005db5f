/** Analytics over REST: what is asked and how the answer is written. */
import { instant, namespaceOf, stepId } from '@tasker/core'
import { afterEach, expect, test } from 'vitest'
import { openDoor, type DoorUnderTest } from './door-under-test.js'

let under: DoorUnderTest
afterEach(() => under.stop())

const charge = {
  hour: instant(0),
  namespace: namespaceOf('shop'),
  name: 'order',
  version: '1.0.0',
  step: stepId('charge'),
  submitted: 0,
  completed: 8,
  failed: 2,
  cancelled: 0,
  retried: 0,
  steps: 0,
  durationMsSum: 20_000,
  durationMsMax: 9_000,
  lastEndedAt: instant(Date.UTC(2026, 0, 1)),
}

test('the figures of the last hours are named as their fields say', async () => {
  under = await openDoor()
  under.analytics.active = 4
  under.analytics.activity = [charge, { ...charge, step: undefined, submitted: 11, steps: 20 }]
  const answer = await under.app.inject('/v1/analytics/performance?hours=2')
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toMatchObject({
    total_tasks: 11,
    active_tasks: 4,
    completed_tasks: 8,
    error_rate: 0.2,
    average_step_duration_seconds: 2,
    tasks_per_hour: 5,
    analysis_period_start: '2025-12-31T22:00:00.000Z',
    calculated_at: '2026-01-01T00:00:00.000Z',
  })
})

test('bottlenecks name the step, its errors and what to look at', async () => {
  under = await openDoor()
  under.analytics.activity = [charge]
  under.analytics.statuses = new Map([['complete', 8]])
  const answer = await under.app.inject('/v1/analytics/bottlenecks?limit=1&min_executions=10')
  expect(answer.json()).toMatchObject({
    slow_steps: [{ namespace_name: 'shop', task_name: 'order', step_name: 'charge', execution_count: 10, error_count: 2 }],
    slow_tasks: [],
    resource_utilization: { system_health: { complete: 8 } },
    recommendations: ['Step charge of shop/order 1.0.0 had 2 errors in 10 executions: look at their last failures.'],
  })
})

test('hours that are none are refused with the place', async () => {
  under = await openDoor()
  const answer = await under.app.inject('/v1/analytics/performance?hours=0')
  expect(answer.statusCode).toBe(422)
  expect(answer.json()).toMatchObject({ errors: [{ path: '/hours' }] })
})
