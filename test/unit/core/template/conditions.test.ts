/** What a template may say about conditions, joins, failures and compensation. */
import { validateTemplate, type Json, type StepSpec } from '@tasker/core'
import { describe, expect, test } from 'vitest'

const step = (name: string, more: { readonly [field: string]: Json } = {}): Json => ({
  name,
  handler: { callable: `H.${name}` },
  ...more,
})
const check = (...steps: readonly Json[]) =>
  validateTemplate({ name: 't', namespace_name: 'n', version: '1.0.0', steps: [...steps] })

const stepsOf = (...steps: readonly Json[]): readonly StepSpec[] => {
  const checked = check(...steps)
  if (checked.type === 'invalid') throw new Error(checked.problems.map((problem) => problem.message).join('; '))
  return checked.template.steps
}

const problemsOf = (...steps: readonly Json[]): readonly string[] => {
  const checked = check(...steps)
  return checked.type === 'valid' ? [] : checked.problems.map(({ code, path, message }) => `${code} ${path}: ${message}`)
}

test('a step that says nothing waits for all, blocks, and has no way back', () => {
  expect(stepsOf(step('a'))[0]).toMatchObject({
    when: undefined,
    onFailure: 'block',
    join: 'all',
    cancelRemaining: false,
    compensate: undefined,
  })
})

test('conditions, joins and failures are read', () => {
  const [, , c] = stepsOf(
    step('a'),
    step('b'),
    step('c', {
      dependencies: ['a', 'b'],
      when: 'deps.a.ok && context.total > 10',
      on_failure: 'continue',
      join: 'any',
      cancel_remaining: true,
    }),
  )
  expect(c).toMatchObject({
    when: { text: 'deps.a.ok && context.total > 10' },
    onFailure: 'continue',
    join: 1,
    cancelRemaining: true,
  })
})

test('the way back has a handler, a policy and a timeout of its own', () => {
  const [a] = stepsOf(
    step('a', {
      compensate: { handler: { callable: 'Undo', initialization: { x: 1 } }, retry: { max_attempts: 7 }, timeout_seconds: 5 },
    }),
  )
  expect(a?.compensate).toMatchObject({
    handler: { callable: 'Undo', method: 'call', initialization: { x: 1 } },
    retry: { maxAttempts: 7, backoff: 'exponential' },
    timeoutMs: 5_000,
  })
})

describe('a condition is refused', () => {
  test('with line and column of its mistake', () => {
    expect(problemsOf(step('a', { when: 'context.a\n  == conttext.b' }))).toEqual([
      'BAD_EXPRESSION /steps/0/when: at 2:6 of the expression: there is no name "conttext" here; expressions begin with context, deps, task',
    ])
  })

  test('that is no text', () => {
    expect(problemsOf(step('a', { when: true }))).toEqual(['WRONG_TYPE /steps/0/when: true stands where an expression should be'])
  })

  test('that reads a step which is not before it', () => {
    expect(problemsOf(step('a'), step('b', { when: 'deps.a.ok' }))).toEqual([
      'BAD_EXPRESSION /steps/1/when: it reads the result of "a", which is no step before this one',
    ])
    expect(
      problemsOf(step('a'), step('b', { dependencies: ['a'] }), step('c', { dependencies: ['b'], when: 'deps.a.ok' })),
    ).toEqual([])
  })

  test('that reads more than its dependencies where the template says direct', () => {
    const checked = validateTemplate({
      name: 't',
      namespace_name: 'n',
      version: '1.0.0',
      dependency_scope: 'direct',
      steps: [step('a'), step('b', { dependencies: ['a'] }), step('c', { dependencies: ['b'], when: 'deps.a.ok' })],
    })
    expect(checked.type === 'invalid' && checked.problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      'BAD_EXPRESSION /steps/2/when',
    ])
  })
})

test('a join cannot wait for more than there is', () => {
  expect(problemsOf(step('a', { join: 'any' }), step('b', { dependencies: ['a'], join: 2 }))).toEqual([
    'OUT_OF_RANGE /steps/0/join: it waits for 1 of 0 dependencies',
    'OUT_OF_RANGE /steps/1/join: it waits for 2 of 1 dependencies',
  ])
  expect(problemsOf(step('a', { join: 'most' }))[0]).toContain('OUT_OF_RANGE /steps/0/join')
})

test('nothing remains where a step waits for all', () => {
  expect(problemsOf(step('a'), step('b', { dependencies: ['a'], cancel_remaining: true }))[0]).toContain('CONFLICTING_FIELDS')
})

test('compensation without a way back warns', () => {
  const checked = check(step('a'), step('b', { dependencies: ['a'], on_failure: 'compensate' }))
  expect(checked.warnings.map(({ code, path }) => `${code} ${path}`)).toEqual(['UNUSUAL_VALUE /steps/1/on_failure'])
  const meant = check(
    step('a', { compensate: { handler: { callable: 'Undo' } } }),
    step('b', { dependencies: ['a'], on_failure: 'compensate' }),
  )
  expect(meant.warnings).toEqual([])
})
