import { type Json, validateTemplate } from '@tasker/core'
import { describe, expect, test } from 'vitest'

const check = (fields: { readonly [name: string]: Json }, step: { readonly [name: string]: Json } = {}) =>
  validateTemplate({
    name: 'order',
    namespace_name: 'shop',
    version: '1.0.0',
    steps: [{ name: 'a', handler: { callable: 'A' }, ...step }],
    ...fields,
  })

const problems = (...given: Parameters<typeof check>): readonly string[] => {
  const found = check(...given)
  return found.type === 'valid' ? [] : found.problems.map(({ code, path }) => `${code} ${path}`)
}

describe('the lifecycle of a template', () => {
  test('is minutes by state, an action, and two flags', () => {
    const found = check({
      lifecycle: {
        max_waiting_for_dependencies_minutes: 1,
        max_waiting_for_retry_minutes: 2,
        max_steps_in_process_minutes: 3,
        max_duration_minutes: 4,
        max_blocked_by_failures_minutes: 5,
        staleness_action: 'error',
        auto_fail_on_timeout: true,
        auto_dlq_on_timeout: false,
      },
    })
    expect(found).toMatchObject({
      type: 'valid',
      template: {
        lifecycle: {
          thresholdsMs: {
            waiting_for_dependencies: 60_000,
            waiting_for_retry: 120_000,
            steps_in_process: 180_000,
            duration: 240_000,
            blocked_by_failures: 300_000,
          },
          stalenessAction: 'error',
          autoFailOnTimeout: true,
          autoDlqOnTimeout: false,
        },
      },
    })
  })

  test.each([
    ['max_steps_in_process_minutes', 0],
    ['max_steps_in_process_minutes', 10_081],
    ['max_waiting_for_retry_minutes', 10_081],
    ['max_waiting_for_dependencies_minutes', 10_081],
    ['max_duration_minutes', 43_201],
    ['max_blocked_by_failures_minutes', 43_201],
    ['staleness_action', 'stop'],
  ])('%s %j is out of range', (field, value) => {
    expect(problems({ lifecycle: { [field]: value } })).toEqual([`OUT_OF_RANGE /lifecycle/${field}`])
  })

  test('a field it does not have is refused with a near one', () => {
    expect(problems({ lifecycle: { max_duration_minute: 5 } })).toEqual(['UNKNOWN_FIELD /lifecycle/max_duration_minute'])
  })
})

describe('the lifecycle of a step', () => {
  test('is an open map; what a template has too means the same for the step', () => {
    const lifecycle = { max_steps_in_process_minutes: 5, staleness_action: 'none', owner: 'team-a' }
    expect(check({}, { lifecycle })).toMatchObject({
      type: 'valid',
      template: { steps: [{ lifecycle: { thresholdsMs: { steps_in_process: 300_000 }, stalenessAction: 'none' } }] },
    })
    expect(check({}, { lifecycle: { anything: 1 } })).toMatchObject({
      template: { steps: [{ lifecycle: { thresholdsMs: {} } }] },
    })
  })

  test('is checked where it is known', () => {
    expect(problems({}, { lifecycle: { max_duration_minutes: 0 } })).toEqual([
      'OUT_OF_RANGE /steps/0/lifecycle/max_duration_minutes',
    ])
    expect(problems({}, { lifecycle: 5 })).toEqual(['WRONG_TYPE /steps/0/lifecycle'])
  })
})
