import { durationMs, type PublishedEvent, type StepSpec, stepId, trustedJson } from '@tasker/core'
import { expect, test } from 'vitest'
import {
  complete,
  failure,
  fail,
  given,
  type Order,
  permanently,
  plan,
  release,
  start,
  step,
  stop,
  submit,
  timeOut,
  cancel,
} from '../../../support/given.js'

const event = (name: string, more: Partial<PublishedEvent> = {}): PublishedEvent => ({
  name,
  description: undefined,
  condition: 'success',
  delivery: 'durable',
  schema: undefined,
  publisher: undefined,
  ...more,
})

const CONDITIONS = ['success', 'failure', 'retryable_failure', 'permanent_failure', 'always'] as const

/** One step that tells every condition, under its name. */
const teller = (more: Partial<Parameters<typeof step>[1]> = {}): StepSpec =>
  step('charge', { publishes: CONDITIONS.map((condition) => event(condition, { condition })), ...more })

const recorded = (name: string, outcome: string, more: object = {}) => ({
  type: 'domain_event.recorded',
  name,
  step: stepId('charge'),
  attempt: 1,
  outcome,
  correlationId: 'c-1',
  template: 'order@1.0.0',
  delivery: 'durable',
  ...more,
})

const namesOf = (of: StepSpec, ...orders: readonly [...Order[], Order]): readonly string[] => {
  const last = orders.at(-1)
  if (last === undefined) throw new Error('an order is needed')
  const told: string[] = []
  given(plan(of), submit(), ...orders.slice(0, -1))
    .when(last)
    .thenEvents((events) => {
      for (const one of events) if (one.type === 'domain_event.recorded') told.push(one.name)
    })
  return told
}

test('a result tells success and always, behind the result and before the end of the task', () => {
  given(plan(teller()), submit(), start('charge'))
    .when(complete('charge', '{"id":7}'))
    .thenEvents((events) =>
      expect(events).toEqual([
        { type: 'step.completed', step: 'charge', attempt: 1, output: '{"id":7}' },
        recorded('success', 'success'),
        recorded('always', 'success'),
        { type: 'task.completed' },
      ]),
    )
})

test('a failure that another attempt follows tells retryable_failure alone', () => {
  expect(namesOf(teller(), start('charge'), fail('charge', failure()))).toEqual(['retryable_failure'])
  expect(namesOf(teller({ timeoutMs: 60_000 }), start('charge'), timeOut('charge'))).toEqual(['retryable_failure'])
})

test('a failure for good tells failure, permanent_failure and always, once', () => {
  expect(namesOf(teller(), start('charge'), fail('charge', permanently))).toEqual(['failure', 'permanent_failure', 'always'])
  const last = teller({ retry: { maxAttempts: 1 }, timeoutMs: 60_000 })
  expect(namesOf(last, start('charge'), timeOut('charge'))).toEqual(['failure', 'permanent_failure', 'always'])
})

test('a repeat of the result, a late one, a release and a stop tell nothing', () => {
  const done = [start('charge'), complete('charge', '1')] as const
  expect(namesOf(teller(), ...done, complete('charge', '1'))).toEqual([])
  expect(namesOf(teller(), start('charge'), release('charge'))).toEqual([])
  expect(namesOf(teller(), start('charge'), cancel(), stop('charge'))).toEqual([])
})

test('a result that comes while the task is being cancelled is told all the same', () => {
  expect(namesOf(teller(), start('charge'), cancel(), complete('charge', '1'))).toEqual(['success', 'always'])
})

test('an event that goes fast is in no log; one that is broadcast says so', () => {
  const of = step('charge', { publishes: [event('quick', { delivery: 'fast' }), event('loud', { delivery: 'broadcast' })] })
  given(plan(of), submit(), start('charge'))
    .when(complete('charge', '1'))
    .thenEvents((events) =>
      expect(events.filter(({ type }) => type === 'domain_event.recorded')).toEqual([
        recorded('loud', 'success', { delivery: 'broadcast' }),
      ]),
    )
})

test('what came with the result for an event is kept with it: payload, metadata, problems; what is withheld is not told', () => {
  const of = step('charge', { publishes: ['a', 'b', 'c'].map((name) => event(name)) })
  const problems = [{ code: 'MISSING_FIELD', path: '/id', message: 'must have required property id' }]
  const notes = [{ payload: trustedJson('{"n":1.50}'), metadata: trustedJson('{}') }, { withheld: true as const }, { problems }]
  given(plan(of), submit(), start('charge'))
    .when((on) => {
      const order = complete('charge', '1')(on)
      return order.type === 'complete' ? { ...order, eventNotes: notes } : order
    })
    .thenEvents((events) =>
      expect(events.filter(({ type }) => type === 'domain_event.recorded')).toEqual([
        recorded('a', 'success', { payload: '{"n":1.50}', metadata: '{}' }),
        recorded('c', 'success', { problems }),
      ]),
    )
})

test('events of one step say nothing of another that becomes ready in the same commit', () => {
  const of = plan(teller(), step('ship', { after: ['charge'], retry: { baseMs: durationMs(0) } }))
  given(of, submit(), start('charge'))
    .when(complete('charge', '1'))
    .thenTold('step.completed charge', 'domain_event.recorded charge', 'domain_event.recorded charge', 'step.scheduled ship')
})
