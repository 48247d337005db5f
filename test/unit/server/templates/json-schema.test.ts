import { parseJson, trustedJson, type Json } from '@tasker/core'
import { schemaCheck, schemaFaults } from '@tasker/server/internal/templates/json-schema'
import { describe, expect, test } from 'vitest'

type Schema = { readonly [key: string]: Json }

/** `CODE path` of every place that the schema refuses. */
const refused = (schema: Schema, context: string): readonly string[] =>
  schemaCheck()(schema, trustedJson(context)).map(({ code, path }) => `${code} ${path}`)

const schemaOf = (text: string): Schema => {
  const value = parseJson(trustedJson(text))
  if (value === null || typeof value !== 'object') throw new Error('a schema is a map')
  return Object.fromEntries(Object.entries(value))
}

describe('a context', () => {
  const schema: Schema = {
    type: 'object',
    required: ['order_id', 'email'],
    additionalProperties: false,
    properties: {
      order_id: { type: 'string', minLength: 3 },
      email: { type: 'string', format: 'email' },
      items: { type: 'array', items: { type: 'object', required: ['a/b'], properties: { n: { type: 'integer' } } } },
    },
  }

  test('that fits is let through', () => {
    expect(refused(schema, '{"order_id":"A-1","email":"a@b.org"}')).toEqual([])
  })

  test('that does not fit is told every failing place', () => {
    expect(refused(schema, '{"order_id":"A","emial":"x","items":[{"a/b":1,"n":1.5},{}]}').toSorted()).toEqual([
      'MISSING_FIELD /email',
      'MISSING_FIELD /items/1/a~1b',
      'SCHEMA_VIOLATED /order_id',
      'UNKNOWN_FIELD /emial',
      'WRONG_TYPE /items/0/n',
    ])
    expect(refused(schema, '{"order_id":"A-1","email":"no mail"}')).toEqual(['SCHEMA_VIOLATED /email'])
  })

  test('with a thousand faults is told the first hundred', () => {
    const items = JSON.stringify(Array.from({ length: 1_000 }, () => 'x'))
    expect(refused({ properties: { items: { items: { type: 'integer' } } } }, `{"items":${items}}`)).toHaveLength(100)
  })

  test('is told which values it may have', () => {
    const check = schemaCheck()
    const problems = check({ properties: { size: { enum: ['s', 'm'] } } }, trustedJson('{"size":"l"}'))
    expect(problems).toEqual([
      { code: 'SCHEMA_VIOLATED', path: '/size', message: 'must be equal to one of the allowed values: ["s","m"]' },
    ])
  })
})

describe('names that every object inherits', () => {
  test('are missing where the context does not have them', () => {
    expect(refused({ required: ['constructor', 'toString', '__proto__'] }, '{}')).toEqual([
      'MISSING_FIELD /constructor',
      'MISSING_FIELD /toString',
      'MISSING_FIELD /__proto__',
    ])
    expect(refused({ required: ['constructor', '__proto__'] }, '{"constructor":1,"__proto__":2}')).toEqual([])
  })

  test('are checked where the context has them', () => {
    expect(refused({ properties: { constructor: { type: 'string' } } }, '{"constructor":1}')).toEqual(['WRONG_TYPE /constructor'])
    expect(refused({ properties: { constructor: { type: 'string' } } }, '{}')).toEqual([])
    expect(refused({ additionalProperties: false }, '{"__proto__":1}')).toEqual(['UNKNOWN_FIELD /__proto__'])
  })

  test('a schema that speaks of __proto__ is refused, because it would be passed over', () => {
    expect(schemaFaults(schemaOf('{"properties":{"__proto__":{"type":"string"}}}'))).toMatchObject([
      { path: '/properties/__proto__' },
    ])
  })
})

describe('a schema', () => {
  const DRAFT_7 = 'http://json-schema.org/draft-07/schema#'
  const DRAFT_2020 = 'https://json-schema.org/draft/2020-12/schema'

  test('is read in the dialect that it names, draft 2020-12 by itself', () => {
    const tuple = { items: [{ type: 'string' }, { type: 'integer' }] }
    expect(refused({ $schema: DRAFT_7, properties: { pair: tuple } }, '{"pair":["a","b"]}')).toEqual(['WRONG_TYPE /pair/1'])
    expect(schemaFaults({ $schema: DRAFT_2020, ...tuple })).toMatchObject([{ path: '/items' }])
    expect(schemaFaults(tuple)).toMatchObject([{ path: '/items' }])
    expect(refused({ properties: { pair: { prefixItems: tuple.items } } }, '{"pair":["a","b"]}')).toEqual(['WRONG_TYPE /pair/1'])
  })

  test.each([
    ['in a dialect nobody knows', { $schema: 'http://json-schema.org/draft-03/schema#' }, '/$schema'],
    ['whose $schema is no text', { $schema: 7 }, '/$schema'],
    ['with a wrong keyword value', { properties: { a: { minimum: 'x' } } }, '/properties/a/minimum'],
    ['that answers later', { $async: true }, '/$async'],
    ['that refers elsewhere', { $ref: 'https://example.org/other.json' }, ''],
    ['that refers to nothing', { $ref: '#/$defs/none' }, ''],
    ['with a pattern that is none', { properties: { a: { pattern: '(' } } }, ''],
  ] satisfies [string, Schema, string][])('%s is refused', (_name, schema, path) => {
    expect(schemaFaults(schema).map((fault) => fault.path)).toContain(path)
  })

  test('above the limit is refused without being compiled', () => {
    expect(schemaFaults({ description: 'x'.repeat(200_000) })).toEqual([
      { path: '', message: '200018 characters of schema are too many; 131072 is the limit', hint: undefined },
    ])
  })

  test('may use keywords of other tools', () => {
    expect(schemaFaults({ type: 'object', example: {}, 'x-form': 'wide', properties: { a: { format: 'our-own' } } })).toEqual([])
  })
})

describe('compiled schemas', () => {
  test('of one $id in two templates do not get in each others way', () => {
    const check = schemaCheck()
    const first = { $id: 'https://example.org/order', required: ['a'] }
    const second = { $id: 'https://example.org/order', required: ['b'] }
    for (const schema of [first, second, first]) expect(check(schema, trustedJson('{}'))).toHaveLength(1)
    expect(check(second, trustedJson('{"b":1}'))).toEqual([])
  })

  test('that were dropped are compiled again', () => {
    const check = schemaCheck(1)
    const [first, second] = [{ required: ['a'] }, { required: ['b'] }]
    for (const schema of [first, second, first, second]) expect(check(schema, trustedJson('{}'))).toHaveLength(1)
  })

  test('that do not compile refuse every value and say why', () => {
    expect(refused({ $ref: '#/nowhere' }, '{}')).toEqual(['BAD_SCHEMA '])
  })
})
