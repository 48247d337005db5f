import { inEnvironment, type Json, type Template, validateTemplate } from '@tasker/core'
import { expect, test } from 'vitest'

type Fields = { readonly [key: string]: Json }

const STEPS = [
  { name: 'a', handler: { callable: 'A', initialization: { layout: { wide: true, logo: 'grey' }, list: [1, 2] } } },
  {
    name: 'b',
    handler: { callable: 'B' },
    dependencies: ['a'],
    timeout_seconds: 5,
    retry: { max_attempts: 2, backoff: 'none' },
    jitter: 0,
  },
]

const check = (environments: Json) =>
  validateTemplate({ name: 'order', namespace_name: 'shop', version: '1.0.0', steps: STEPS, environments })

const templateWith = (environments: Fields): Template => {
  const checked = check(environments)
  if (checked.type === 'invalid') throw new Error(JSON.stringify(checked.problems))
  return checked.template
}

const problems = (environments: Json): readonly string[] => {
  const checked = check(environments)
  return checked.type === 'valid' ? [] : checked.problems.map(({ code, path, hint }) => [code, path, hint ?? ''].join(' ').trim())
}

test('without an environment, and under one the file does not speak of, the template is the very same', () => {
  const template = templateWith({ production: { steps: [{ name: 'a', timeout_seconds: 1 }] }, empty: { steps: [] }, none: {} })
  for (const environment of [undefined, 'staging', 'empty', 'none', 'constructor'])
    expect(inEnvironment(template, environment)).toBe(template)
})

test('maps of a handler are merged deep, other values and lists are replaced, and nothing else changes', () => {
  const template = templateWith({
    production: { steps: [{ name: 'a', handler: { initialization: { layout: { logo: 'gold' }, list: [3], more: null } } }] },
  })
  const [a, b] = inEnvironment(template, 'production').steps
  expect(a?.handler).toEqual({
    callable: 'A',
    method: 'call',
    resolver: undefined,
    initialization: { layout: { wide: true, logo: 'gold' }, list: [3], more: null },
  })
  expect(a).toMatchObject({ timeoutMs: 60_000, retry: template.steps[0]?.retry })
  expect(b).toBe(template.steps[1])
  expect(template.steps[0]?.handler.initialization).toEqual({ layout: { wide: true, logo: 'grey' }, list: [1, 2] })
})

test('ALL goes first wherever it stands, then what is said by name, of which the later counts', () => {
  const template = templateWith({
    test: {
      steps: [
        { name: 'b', timeout_seconds: 9 },
        { name: 'ALL', timeout_seconds: 1, retry: { max_attempts: 7 } },
        { name: 'b', retry: { max_attempts: 1, backoff: 'linear' } },
      ],
    },
  })
  const [a, b] = inEnvironment(template, 'test').steps
  expect(a).toMatchObject({ timeoutMs: 1_000, retry: { maxAttempts: 7, backoff: 'exponential', jitter: 0.15 } })
  expect(b).toMatchObject({ timeoutMs: 9_000, retry: { maxAttempts: 1, backoff: 'linear', jitter: 0 } })
})

test('every field of retry can be overridden', () => {
  const retry = {
    retryable: false,
    max_attempts: 9,
    backoff: 'fibonacci',
    backoff_base_ms: 200,
    max_backoff_ms: 5_000,
    jitter: 0.5,
    non_retryable_errors: ['Boom'],
  }
  const [a] = inEnvironment(templateWith({ test: { steps: [{ name: 'a', retry }] } }), 'test').steps
  expect(a?.retry).toEqual({
    retryable: false,
    maxAttempts: 9,
    backoff: 'fibonacci',
    baseMs: 200,
    maxDelayMs: 5_000,
    jitter: 0.5,
    nonRetryableErrors: ['Boom'],
  })
})

test('the environment that was applied stands in the template', () => {
  const template = templateWith({ test: { steps: [{ name: 'ALL', timeout_seconds: 1 }] } })
  expect([template.environment, inEnvironment(template, 'test').environment]).toEqual([undefined, 'test'])
})

test('keys that every object inherits are merged as keys', () => {
  const over = JSON.parse('{"__proto__":{"x":1}}') as Fields
  const template = templateWith({ test: { steps: [{ name: 'a', handler: { initialization: over } }] } })
  const [a] = inEnvironment(template, 'test').steps
  expect(JSON.stringify(a?.handler.initialization)).toBe(
    '{"layout":{"wide":true,"logo":"grey"},"list":[1,2],"__proto__":{"x":1}}',
  )
})

test('an override of a step that is not there is refused with a near name, as is anything an override cannot say', () => {
  expect(problems({ test: { steps: [{ name: 'all' }, { name: 'c' }] } })).toEqual([
    'UNKNOWN_STEP /environments/test/steps/0/name did you mean "ALL"?',
    'UNKNOWN_STEP /environments/test/steps/1/name',
  ])
  expect(problems({ 'a/b': { steps: [{ name: 'a', dependencies: [] }] } })).toEqual([
    'UNKNOWN_FIELD /environments/a~1b/steps/0/dependencies',
  ])
  expect(problems({ test: { steps: [{ timeout_seconds: -1 }] } })).toEqual([
    'OUT_OF_RANGE /environments/test/steps/0/timeout_seconds',
    'MISSING_FIELD /environments/test/steps/0',
  ])
  expect(problems([])).toEqual(['WRONG_TYPE /environments'])
})
