import { type Json, type PublishedEvent, speaksOf, type TemplateCheck, validateTemplate } from '@tasker/core'
import { expect, test } from 'vitest'

const SCHEMA = { type: 'object', required: ['id'] }

const check = (events: Json, declared?: Json): TemplateCheck =>
  validateTemplate({
    name: 'order',
    namespace_name: 'shop',
    version: '1.0.0',
    steps: [{ name: 'charge', handler: { callable: 'Charge' }, publishes_events: events }],
    ...(declared === undefined ? {} : { domain_events: declared }),
  })

const published = (events: Json, declared?: Json): readonly PublishedEvent[] => {
  const found = check(events, declared)
  if (found.type === 'invalid') throw new Error(JSON.stringify(found.problems))
  return found.template.steps[0]?.publishes ?? []
}

const problems = (events: Json): readonly string[] => {
  const found = check(events)
  return found.type === 'invalid' ? found.problems.map(({ code, path }) => `${code} ${path}`) : []
}

test('an event tells successes through the log when its template says no more than its name', () => {
  expect(published([{ name: 'card.charged' }])).toEqual([
    {
      name: 'card.charged',
      description: undefined,
      condition: 'success',
      delivery: 'durable',
      schema: undefined,
      publisher: undefined,
    },
  ])
})

test('an event keeps all that its template says', () => {
  const all = {
    name: 'card.charged',
    description: 'money',
    condition: 'always',
    schema: SCHEMA,
    delivery_mode: 'broadcast',
    publisher: 'Cards',
  }
  expect(published([all])).toEqual([
    {
      name: 'card.charged',
      description: 'money',
      condition: 'always',
      delivery: 'broadcast',
      schema: SCHEMA,
      publisher: 'Cards',
    },
  ])
})

test('the declaration of the template gives an event its schema, unless the step gives another', () => {
  const declared = [{ name: 'card.charged', schema: SCHEMA, description: 'money' }]
  expect(published([{ name: 'card.charged' }], declared)).toMatchObject([{ schema: SCHEMA, description: 'money' }])
  expect(published([{ name: 'card.charged', schema: { type: 'number' } }], declared)).toMatchObject([
    { schema: { type: 'number' } },
  ])
  expect(published([{ name: 'card.refused' }], declared)).toMatchObject([{ schema: undefined }])
})

test('an event that is told twice of the same result, or that says what there is not, is a problem', () => {
  expect(problems([{ name: 'a' }, { name: 'a', condition: 'success' }])).toEqual([
    'CONFLICTING_FIELDS /steps/0/publishes_events/1',
  ])
  expect(problems([{ name: 'a' }, { name: 'a', condition: 'failure' }])).toEqual([])
  expect(problems([{ condition: 'sometimes', delivery_mode: 'slow' }])).toEqual([
    'OUT_OF_RANGE /steps/0/publishes_events/0/condition',
    'OUT_OF_RANGE /steps/0/publishes_events/0/delivery_mode',
    'MISSING_FIELD /steps/0/publishes_events/0',
  ])
  expect(problems(['card.charged', null])).toEqual([
    'WRONG_TYPE /steps/0/publishes_events/0',
    'WRONG_TYPE /steps/0/publishes_events/1',
  ])
})

test('a condition speaks of the results it names', () => {
  const told = (['success', 'retryable_failure', 'permanent_failure'] as const).map((outcome) =>
    (['success', 'failure', 'retryable_failure', 'permanent_failure', 'always'] as const).filter((condition) =>
      speaksOf(condition, outcome),
    ),
  )
  expect(told).toEqual([['success', 'always'], ['retryable_failure'], ['failure', 'permanent_failure', 'always']])
})
