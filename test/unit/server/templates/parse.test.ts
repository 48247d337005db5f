import { readFileSync } from 'node:fs'
import { LIMITS, type Json } from '@tasker/core'
import {
  contentHash,
  formatProblems,
  readTemplate,
  storedPlan,
  type TemplateReading,
} from '@tasker/server/internal/templates/parse'
import { describe, expect, test } from 'vitest'

const told = (reading: TemplateReading): readonly string[] =>
  reading.type === 'valid' ? [] : formatProblems('order.yaml', reading.problems).split('\n')

const hashOf = (text: string): string => {
  const reading = readTemplate(text)
  if (reading.type !== 'valid') throw new Error(formatProblems('text', reading.problems))
  return reading.plan.hash
}

const SMALL = `
name: order
namespace_name: shop
version: 1.0.0
steps:
  - { name: a, handler: { callable: Shop.A } }
`

const steps = (count: number): string =>
  `name: a\nnamespace_name: b\nversion: 1.0.0\nsteps:\n${Array.from(
    { length: count },
    (_, i) => `  - name: s${i}\n    handler: { callable: H }\n    dependencies: [${i === 0 ? '' : `s${i - 1}`}]\n`,
  ).join('')}`

test('a file with many faults is told whole, each with its place', () => {
  const text = readFileSync(new URL('./many-faults.yaml', import.meta.url), 'utf8')
  const reading = readTemplate(text)
  expect(reading.type).toBe('invalid')
  expect(told(reading)).toEqual(
    readFileSync(new URL('./many-faults.txt', import.meta.url), 'utf8')
      .trimEnd()
      .split('\n'),
  )
  const warnings = reading.type === 'invalid' ? formatProblems('order.yaml', reading.warnings) : ''
  expect(warnings.split('\n')).toEqual([
    'order.yaml:7:1 LEGACY_FIELD "task_handler" means nothing and is ignored (remove it)',
    'order.yaml:19:14 LEGACY_FIELD "limit" is read as "max_attempts" (write "max_attempts")',
  ])
})

describe('a template that is right', () => {
  test('becomes a plan, with its warnings in their places', () => {
    const reading = readTemplate(`${SMALL}\nloaded_from: x`)
    expect(reading).toMatchObject({
      type: 'valid',
      plan: { template: { namespace: 'shop', name: 'order', version: '1.0.0' }, leaves: [0] },
      warnings: [{ code: 'LEGACY_FIELD', path: '/loaded_from', line: 8, column: 1 }],
    })
  })

  test('may have a thousand steps, and not one more', () => {
    expect(readTemplate(steps(1_000)).type).toBe('valid')
    expect(told(readTemplate(steps(1_001)))).toEqual([
      'order.yaml:5:3 TOO_MANY_STEPS 1001 steps are too many; 1000 is the limit (split it into templates that submit each other)',
    ])
  })

  test('may share parts by anchors and aliases', () => {
    const reading = readTemplate(`
name: order
namespace_name: shop
version: 1.0.0
metadata: { policy: &policy { max_attempts: 7 } }
steps:
  - { name: a, handler: { callable: A }, retry: *policy }
  - { name: b, handler: { callable: B }, retry: *policy, dependencies: [a] }
`)
    expect(reading).toMatchObject({ plan: { steps: [{ retry: { maxAttempts: 7 } }, { retry: { maxAttempts: 7 } }] } })
  })

  test('may be JSON, with the same hash as YAML of the same content', () => {
    const document = {
      name: 'order',
      namespace_name: 'shop',
      version: '1.0.0',
      steps: [{ name: 'a', handler: { callable: 'Shop.A' } }],
    }
    expect(hashOf(JSON.stringify(document))).toBe(hashOf(SMALL))
  })
})

describe('the hash of the content', () => {
  test('is that of the canonical text, in hexadecimal digits', () => {
    expect(contentHash({ b: 1, a: 2 })).toBe('d3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772')
  })

  test('does not change with comments, blanks, quotes or the order of keys', () => {
    const other = `
# a comment
steps: [ { handler: { "callable": 'Shop.A' }, name: a } ]   # in flow style
version: "1.0.0"
namespace_name: shop
name: order
`
    expect(hashOf(other)).toBe(hashOf(SMALL))
  })

  test('changes with every value', () => {
    expect(hashOf(SMALL.replace('Shop.A', 'Shop.B'))).not.toBe(hashOf(SMALL))
    expect(hashOf(`${SMALL}metadata: { author: ada }`)).not.toBe(hashOf(SMALL))
  })
})

describe('JSON with problems', () => {
  test('is told with line and column as YAML is', () => {
    expect(told(readTemplate('{\n  "name": 5,\n  "namespace_name": "shop",\n  "version": "1.0.0", "stepps": []\n}'))).toEqual([
      'order.yaml:1:1 MISSING_FIELD the field "steps" is missing',
      'order.yaml:2:11 WRONG_TYPE the number 5 stands where a text should be (put it in quotes)',
      'order.yaml:4:23 UNKNOWN_FIELD there is no field "stepps" here (did you mean "steps"?)',
    ])
  })

  test('that is written by a program on one line is told with its column', () => {
    const document: Json = {
      name: 'order',
      namespace_name: 'shop',
      version: '1',
      steps: [{ name: 'a', handler: { callable: 'A' } }],
    }
    expect(told(readTemplate(JSON.stringify(document)))).toEqual([
      'order.yaml:1:51 OUT_OF_RANGE "1" is no semantic version (write it like 1.0.0)',
    ])
  })
})

describe('schemas', () => {
  test('that are none are refused where they are wrong', () => {
    const text = `${SMALL}input_schema:\n  type: object\n  properties:\n    total: { type: nmber }\n`
    expect(told(readTemplate(text))).toEqual([
      'order.yaml:10:20 BAD_SCHEMA the schema is not valid: must be equal to one of the allowed values: ["array","boolean","integer","null","number","object","string"]',
    ])
  })

  test('are refused together with everything else', () => {
    expect(told(readTemplate(`${SMALL}input_schema: { type: 5 }\nzebra: 1`))).toHaveLength(2)
  })
})

describe('text that cannot be read', () => {
  test.each([
    ['a: [1,2\nb: 3', 2, 1, 'flow sequence in block collection must be sufficiently indented and end with a ]'],
    ['a:\n\t- b', 2, 1, 'tabs are not allowed as indentation'],
    ['a: b: c', 1, 4, 'nested mappings are not allowed in compact mappings'],
    ['a: 1\nb: {x: 1,\n  x: 2}', 3, 3, 'the key "x" stands twice in this map'],
    ['a: 1\n1: 2\n"1": 3', 3, 1, 'the key "1" stands twice in this map'],
    ['{"a": 1, "a": 2}', 1, 10, 'the key "a" stands twice in this map'],
    ['a: 1\n---\nb: 2', 2, 1, 'a file holds one template; a second document begins here'],
    ['a: *x', 1, 4, 'the alias *x has no anchor before it'],
    ['a: &x [*x]', 1, 8, 'the alias *x stands within its own anchor'],
    ['a: !ruby/object 1', 1, 4, 'unresolved tag: !ruby/object'],
    ['a: !!binary aGk=', 1, 13, 'the tag tag:yaml.org,2002:binary makes a value that JSON does not have'],
    ['a: !!set {x, y}', 1, 10, 'the tag tag:yaml.org,2002:set makes a value that JSON does not have'],
    ['? [1]\n: 2', 1, 3, 'the key of a map must be a text'],
    ['~: 1', 1, 1, 'the key of a map must be a text'],
    ['a: .inf', 1, 4, 'the number .inf is none that a double can hold (put it in quotes)'],
    ['a: 12345678901234567890', 1, 4, 'the number 12345678901234567890 is none that a double can hold (put it in quotes)'],
    ['a: {b: 1e999}', 1, 8, 'the number 1e999 is none that a double can hold (put it in quotes)'],
    ['<<: {a: 1}', 1, 1, 'merge keys are not part of YAML 1.2 (write the merged fields out)'],
  ])('%j is refused at %d:%d', (text, line, column, message) => {
    const reading = readTemplate(text)
    expect(reading.type).toBe('unreadable')
    expect(told(reading)).toContain(`order.yaml:${line}:${column} YAML_SYNTAX ${message}`)
  })

  test('an empty text is read, and is no template', () => {
    expect(told(readTemplate(''))).toEqual(['order.yaml:1:1 WRONG_TYPE nothing stands where a map should be'])
  })

  test('a text above the limit is refused without being parsed', () => {
    const text = `name: "${'x'.repeat(LIMITS.templateBytesMax)}"`
    expect(told(readTemplate(text))).toEqual([
      `order.yaml:1:1 YAML_SYNTAX ${LIMITS.templateBytesMax + 8} bytes are too many; ${LIMITS.templateBytesMax} is the limit`,
    ])
  })

  test('a few aliases cannot become millions of values', () => {
    const bomb = Array.from('abcdefgh')
      .map(
        (name, i) =>
          `${name}: &${name} [${Array.from({ length: 9 }, () => (i === 0 ? 'x' : `*${'abcdefgh'.charAt(i - 1)}`)).join(', ')}]`,
      )
      .join('\n')
    expect(told(readTemplate(bomb))).toEqual([
      expect.stringContaining('YAML_SYNTAX more than 200000 values, with those behind aliases'),
    ])
  })

  test.each([
    ['brackets', '['.repeat(1_000_000), '1:129'],
    ['braces', '{"a":'.repeat(500_000), '1:641'],
    ['dashes', `a:\n  ${'- '.repeat(500_000)}`, '2:259'],
  ])('hostile nesting by %s is refused before it costs anything', (_name, text, place) => {
    expect(told(readTemplate(text))).toEqual([`order.yaml:${place} YAML_SYNTAX more than 128 levels of nesting`])
  })

  test('nesting by indentation is refused too', () => {
    const text = Array.from({ length: 140 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')
    expect(told(readTemplate(text))).toEqual(['order.yaml:129:129 YAML_SYNTAX more than 128 levels of nesting'])
  })
})

test('brackets and dashes inside texts are no nesting', () => {
  const text = `${SMALL}description: |\n${`  ${'[{- '.repeat(100)}\n`.repeat(10)}metadata: { a: "${'[{'.repeat(500)}" }\n`
  expect(told(readTemplate(text))).toEqual([])
})

test('a result_schema that is none is told with its place, and is not looked at again when a stored template is read', () => {
  const text = [
    'name: order',
    'namespace_name: shop',
    'version: 1.0.0',
    'steps:',
    '  - name: a',
    '    handler: { callable: A }',
    '    result_schema: { properties: { total: { type: amount } } }',
  ].join('\n')
  expect(readTemplate(text)).toMatchObject({
    type: 'invalid',
    problems: [{ code: 'BAD_SCHEMA', path: '/steps/0/result_schema/properties/total/type', line: 7 }],
  })
  expect(storedPlan(text)?.template.name).toBe('order')
  expect(storedPlan('name: [')).toBeUndefined()
  expect(storedPlan('name: a_task')).toBeUndefined()
})
