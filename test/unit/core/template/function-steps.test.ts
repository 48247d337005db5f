/** What a template may say of a step whose work is a durable function. */
import { LIMITS, planOf, templateHash, validateTemplate, type Json } from '@tasker/core'
import { expect, test } from 'vitest'

const check = (step: { readonly [field: string]: Json }) =>
  validateTemplate({ name: 't', namespace_name: 'n', version: '1.0.0', steps: [{ name: 'ask', type: 'function', ...step }] })

const problemsOf = (step: { readonly [field: string]: Json }): readonly string[] => {
  const checked = check(step)
  return checked.type === 'valid' ? [] : checked.problems.map(({ code, path }) => `${code} ${path}`)
}

test('it names a function, with a version or without, and has no end of its time unless it says one', () => {
  for (const callable of ['approval', 'approval@1.2.0', 'approval@1.0.0-rc.1']) {
    const checked = check({ handler: { callable } })
    if (checked.type === 'invalid') throw new Error(JSON.stringify(checked.problems))
    expect(checked.template.steps[0]).toMatchObject({ type: 'function', timeoutMs: LIMITS.functionStepTimeoutMsDefault })
    expect(planOf(checked.template, templateHash('0'))).toMatchObject({ delegates: true, plain: false, watched: false })
  }
  const bounded = check({ handler: { callable: 'approval' }, timeout_seconds: 60 })
  expect(bounded).toMatchObject({ type: 'valid', template: { steps: [{ timeoutMs: 60_000 }] } })
})

test('a version that is none, and fields that mean nothing, are refused with their places', () => {
  expect(problemsOf({ handler: { callable: 'approval@newest' } })).toEqual(['OUT_OF_RANGE /steps/0/handler/callable'])
  const useless = { handler: { callable: 'approval', method: 'm', resolver: 'r' }, heartbeat_seconds: 5 }
  expect(problemsOf(useless)).toEqual([
    'CONFLICTING_FIELDS /steps/0/handler/method',
    'CONFLICTING_FIELDS /steps/0/handler/resolver',
    'CONFLICTING_FIELDS /steps/0/heartbeat_seconds',
  ])
})

test('expressions of its input are read when the template is registered', () => {
  const initialization = { good: '${context.a}', deep: [{ 'a/b': '${deps.' }], open: 'x ${context.a' }
  expect(problemsOf({ handler: { callable: 'approval', initialization } })).toEqual([
    'BAD_EXPRESSION /steps/0/handler/initialization/deep/0/a~1b',
    'BAD_EXPRESSION /steps/0/handler/initialization/open',
  ])
})
