import { type Json, validateTemplate } from '@tasker/core'
import { expect, test } from 'vitest'

type Fields = { readonly [key: string]: Json }

const step = (name: string, more: Fields = {}): Fields => ({
  name,
  handler: { callable: name },
  result_schema: { type: 'object' },
  ...more,
})

/** `CODE path` of what is said about a template that is taken. */
const said = (steps: Json, more: Fields = {}) => {
  const check = validateTemplate({ name: 'order', namespace_name: 'shop', version: '1.0.0', steps, ...more })
  if (check.type === 'invalid') throw new Error(JSON.stringify(check.problems))
  const told = (found: readonly { readonly code: string; readonly path: string }[]): readonly string[] =>
    found.map(({ code, path }) => `${code} ${path}`)
  return { warnings: told(check.warnings), notes: told(check.notes) }
}

test('a template with schemas and one graph has nothing said about it', () => {
  expect(said([step('a'), step('b', { dependencies: ['a'] })])).toEqual({ warnings: [], notes: [] })
})

test('a namespace longer than the original takes is warned of', () => {
  expect(said([step('a')], { namespace_name: 'n'.repeat(29) }).warnings).toEqual([])
  expect(said([step('a')], { namespace_name: 'n'.repeat(30) }).warnings).toEqual(['NAMESPACE_TOO_LONG /namespace_name'])
})

test('a schema by which nothing is an object is warned of', () => {
  const steps = [step('a', { result_schema: { type: ['string', 'null'] } })]
  expect(said(steps, { input_schema: { type: 'array' } }).warnings).toEqual([
    'SCHEMA_NOT_OBJECT /input_schema/type',
    'SCHEMA_NOT_OBJECT /steps/0/result_schema/type',
  ])
  expect(said([step('a', { result_schema: { type: ['object', 'null'] } })], { input_schema: {} }).warnings).toEqual([])
})

test('a step beside the graph is warned of, the only step is not', () => {
  const steps = [step('a'), step('b', { dependencies: ['a'] }), step('alone')]
  expect(said(steps).warnings).toEqual(['ORPHAN_STEP /steps/2'])
  expect(said([step('alone')]).warnings).toEqual([])
})

test('a composition is kept, and that nothing runs it is said', () => {
  const composition = { outcome: { description: 'x' }, invocations: [{ capability: 'transform', config: {} }] }
  expect(said([step('a', { composition })]).warnings).toEqual(['COMPOSITION_NOT_RUN /steps/0/composition'])
})

test('a step that does not say what its result looks like is noted, which is no warning', () => {
  const steps = [{ name: 'a', handler: { callable: 'A' } }]
  expect(said(steps)).toEqual({ warnings: [], notes: ['NO_RESULT_SCHEMA /steps/0'] })
})
