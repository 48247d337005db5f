/** Figures and advice out of sums. */
import { handlerName, instant, namespaceOf, stepId, type ActivityRow } from '@tasker/core'
import { bottlenecksOf } from '@tasker/server/internal/query/bottlenecks'
import { performanceOf } from '@tasker/server/internal/query/performance'
import { expect, test } from 'vitest'

const HOUR_MS = 3_600_000
const NOW = instant(48 * HOUR_MS)

const row = (parts: Partial<ActivityRow> = {}): ActivityRow => ({
  hour: instant(24 * HOUR_MS),
  namespace: namespaceOf('shop'),
  name: 'order',
  version: '1.0.0',
  step: undefined,
  submitted: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  retried: 0,
  steps: 0,
  durationMsSum: 0,
  durationMsMax: 0,
  lastEndedAt: instant(0),
  ...parts,
})

test('rates are shares of what ended, averages are of what completed or failed', () => {
  const figures = performanceOf({
    activity: [
      row({ submitted: 12, completed: 6, failed: 2, cancelled: 2, durationMsSum: 16_000 }),
      row({ step: stepId('a'), completed: 20, durationMsSum: 10_000 }),
    ],
    activeTasks: 5,
    statuses: new Map([
      ['complete', 6],
      ['blocked_by_failures', 2],
    ]),
    since: instant(24 * HOUR_MS),
    now: NOW,
  })
  expect(figures).toMatchObject({
    totalTasks: 12,
    activeTasks: 5,
    completionRate: 0.6,
    errorRate: 0.2,
    averageTaskDurationSeconds: 2,
    averageStepDurationSeconds: 0.5,
    tasksPerHour: 8 / 24,
    stepsPerHour: 20 / 24,
    systemHealthScore: 60,
  })
})

test('a server where nothing happened is well', () => {
  const figures = performanceOf({ activity: [], activeTasks: 0, statuses: new Map(), since: instant(0), now: NOW })
  expect(figures).toMatchObject({ completionRate: 0, errorRate: 0, averageTaskDurationSeconds: 0, systemHealthScore: 100 })
})

const basis = { statuses: new Map(), poolUse: 0.1, queues: [], itemsMax: 2, executionsMin: 5 } as const

test('the slowest come first, and what hardly ran is left out', () => {
  const steps = [
    row({ step: stepId('quick'), completed: 10, durationMsSum: 1_000 }),
    row({ step: stepId('slow'), completed: 10, durationMsSum: 90_000, durationMsMax: 20_000 }),
    row({ step: stepId('rare'), completed: 4, durationMsSum: 900_000 }),
    row({ completed: 10, cancelled: 10, steps: 60, durationMsSum: 5_000 }),
  ]
  const found = bottlenecksOf({ ...basis, activity: steps })
  expect(found.slowSteps.map(({ step }) => step)).toEqual(['slow', 'quick'])
  expect(found.slowSteps[0]).toMatchObject({ averageDurationSeconds: 9, maxDurationSeconds: 20, averageStepCount: undefined })
  expect(found.slowTasks).toMatchObject([{ averageStepCount: 3, executions: 10 }])
  expect(found.recommendations).toEqual([])
})

test('what errs often, waits without a worker or is blocked is said in words', () => {
  const found = bottlenecksOf({
    ...basis,
    activity: [row({ step: stepId('charge'), completed: 9, failed: 1, retried: 4, durationMsSum: 10 })],
    statuses: new Map([['blocked_by_failures', 3]]),
    poolUse: 0.9,
    queues: [{ namespace: namespaceOf('shop'), handler: handlerName('Shop.Ship'), waiting: 7, workers: 0 }],
  })
  expect(found.recommendations).toEqual([
    '7 steps wait for Shop.Ship in shop and no worker offers it: start one, or correct its handlers.',
    'Step charge of shop/order 1.0.0 had 5 errors in 10 executions: look at their last failures.',
    '3 tasks are blocked by failures and wait for a person.',
    "90 % of the readers' connections are in use: ask for lists less often.",
  ])
})
