/** What expressions give, what is wrong with them before they run, and how their work is bounded. */
import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import {
  evaluateCondition,
  evaluateExpression,
  LIMITS,
  readExpression,
  type Evaluation,
  type Json,
  type Roots,
} from '@tasker/core'

const context: Json = {
  total: 120,
  rate: 1.5,
  country: 'NO',
  vip: true,
  nothing: null,
  items: [
    { sku: 'a', count: 2 },
    { sku: 'b', count: 0 },
  ],
  allowed: ['a', 'c'],
  limits: { day: 100 },
}
const deps: Json = { validate: { ok: true, score: 7 }, 'load-stock': null }
const task: Json = { namespace: 'shop', priority: 5, tags: ['express'] }
const roots: Roots = (root) => ({ context, deps, task })[root]

const evaluated = (text: string): Evaluation => {
  const reading = readExpression(text)
  if (reading.type === 'faulty') throw new Error(reading.faults.map((fault) => fault.message).join('; '))
  return evaluateExpression(reading.expression, roots)
}
const faultsOf = (text: string) => {
  const reading = readExpression(text)
  return reading.type === 'faulty' ? reading.faults : []
}

describe('an expression gives', () => {
  test.each<readonly [string, Json]>([
    ['context.total == 120', true],
    ['context.total == 120.0', true],
    ['context.total + 1', 121],
    ['context.total * context.rate - 1', 179],
    ['7 % 4 + 1 / 2', 3.5],
    ['-context.rate', -1.5],
    ['size(context.items) + 1', 3],
    ['context.items[1].sku', 'b'],
    ['context["limits"].day', 100],
    ['deps["load-stock"] == null', true],
    ['deps.validate.ok && deps.validate.score >= 7', true],
    ['has(context.missing)', false],
    ['has(context.nothing)', true],
    ['has(deps.validate.score.deeper)', false],
    ['context.vip ? "gold" : "plain"', 'gold'],
    ['"a" + "b" + string(3)', 'ab3'],
    ['context.country in ["NO", "SE"]', true],
    ['"day" in context.limits', true],
    ['context.items.exists(i, i.count == 0)', true],
    ['context.items.all(i, i.sku in context.allowed)', false],
    ['context.items.exists_one(i, i.sku == "a")', true],
    ['context.items.filter(i, i.count > 0).map(i, i.sku)', ['a']],
    ['context.items.map(i, i.count > 0, i.sku)', ['a']],
    ['context.limits.map(key, key)', ['day']],
    [
      'context.items.map(i, context.items.map(j, i.count + j.count))',
      [
        [4, 2],
        [2, 0],
      ],
    ],
    ['"express" in task.tags && task.namespace != "bank"', true],
    ['{"a": [1, 2], "b": null} == {"b": null, "a": [1.0, 2]}', true],
    ['[1] + [2] == [1, 2]', true],
    ['"b" > "a" && 2 >= 2 && 1 < 2 && 1 <= 1', true],
    ['!context.vip', false],
    ['int("12") + int(3.9) + int(-3.9)', 12],
    ['double("1e3")', 1_000],
    ['bool("true")', true],
    ['" Ab ".trim().lowerAscii() + "x".upperAscii()', 'abX'],
    ['"a,b".split(",").join("-") + ["x", "y"].join()', 'a-bxy'],
    ['"hello".substring(1, 3) + "hello".substring(4)', 'elo'],
    ['"hello".indexOf("l") + "hello".lastIndexOf("l") + "hello".size()', 10],
    ['"hello".contains("ell") && "hello".startsWith("he") && "hello".endsWith("lo")', true],
    ['1 == "1"', false],
    ['context.missing == 1 || true', true],
    ['false && context.missing == 1', false],
    ['context.missing && false', false],
    ['context.items.exists(i, i.missing == 1 || i.count == 0)', true],
    ['// a comment\ncontext.vip', true],
  ])('%s → %j', (text, value) => {
    expect(evaluated(text)).toEqual({ type: 'value', value })
  })
})

describe('an expression has no value when', () => {
  test.each([
    ['context.missing', 'there is no context.missing'],
    ['context.constructor', 'there is no context.constructor'],
    ['context.total.deeper', 'a number has no member deeper'],
    ['context.items[2]', 'there is no context.items[2] for 2 in 2 elements'],
    ['context.items["a"]', 'for "a"'],
    ['context.total[0]', 'has no elements'],
    ['context[null]', 'null is no key'],
    ['context.total + "x"', '+ does not work on a number and a text'],
    ['context.country - 1', '- does not work on a text and a number'],
    ['context.total < "x"', '< does not compare a number with a text'],
    ['1 / 0', 'a division by zero'],
    ['1e308 * 10', 'too large'],
    ['context.country ? 1 : 2', 'true or false should be'],
    ['context.missing == 1 || false', 'there is no context.missing'],
    ['context.items.all(i, i.missing > 1)', 'there is no i.missing'],
    ['context.items.filter(i, i.count)', 'filter() needs true or false'],
    ['context.total.all(i, true)', 'a loop goes over'],
    ['1 in 2', '"in" looks into'],
    ['size(1)', 'a number has no size'],
    ['string([])', 'a list does not become a text'],
    ['int("x")', 'this text does not become a number'],
    ['double(null)', 'null does not become a number'],
    ['bool("yes")', 'becomes neither true nor false'],
    ['[1].join()', 'a number stands where a text'],
    ['"abc".substring(2, 1)', '2 to 1 is not within'],
    ['"abc".substring(0.5)', 'a whole number should be'],
    ['"abc".contains(1)', 'a text should be'],
    ['context.total.join()', 'cannot be joined'],
  ])('%s', (text, message) => {
    const result = evaluated(text)
    expect(result.type === 'failed' && result.message).toContain(message)
  })
})

describe('a fault is found before anything is evaluated', () => {
  test.each([
    ['context.total >', 15, 'Unexpected token'],
    ['ctx.total > 1', 0, 'there is no name "ctx" here; expressions begin with context, deps, task'],
    ['true && total > 1', 8, 'there is no name "total"'],
    ['now() > 1', 0, 'there is no function now()'],
    ['context.country.reverse()', 0, 'there is no function .reverse()'],
    ['context.country.matches("(a+)+")', 0, 'some patterns take for ever'],
    ['size(1, 2)', 0, 'size() takes 1 arguments, not 2'],
    ['"a".substring()', 0, 'substring() takes 1 to 2 arguments, not 0'],
    ['has(context)', 0, 'has() takes one member'],
    ['context.items.exists(1, true)', 21, 'iteration variable'],
    ['b"bytes" == 1', 0, 'no place in JSON'],
    ['99999999999999999999 == 1', 0, 'too large to be exact'],
    ['context.items.all(i, j)', 21, 'there is no name "j"'],
  ])('%s', (text, offset, message) => {
    const [fault] = faultsOf(text)
    expect(fault?.message).toContain(message)
    expect(fault?.offset).toBe(offset)
  })

  test('every unknown name is told, not only the first', () => {
    expect(faultsOf('a == b').map((fault) => fault.offset)).toEqual([0, 5])
  })

  test('length, nodes and depth have bounds', () => {
    expect(faultsOf(`"${'x'.repeat(LIMITS.expressionCharsMax)}" == ""`)[0]?.message).toContain('characters are too many')
    expect(faultsOf(`1${' + 1'.repeat(LIMITS.expressionNodesMax / 2)}`)[0]?.message).toContain('maxAstNodes')
    expect(faultsOf('['.repeat(LIMITS.expressionDepthMax + 1))[0]?.message).toContain('maxDepth')
  })
})

test('what an expression reads of other steps is known before it runs', () => {
  const depsOf = (text: string) => {
    const reading = readExpression(text)
    return reading.type === 'expression' && (reading.expression.deps === 'all' ? 'all' : [...reading.expression.deps])
  }
  expect(depsOf('deps.a.x > 1 && has(deps["b-c"].y)')).toEqual(['a', 'b-c'])
  expect(depsOf('deps[context.name].ok')).toBe('all')
  expect(depsOf('context.items.all(deps, deps.x)')).toEqual([])
})

test('a condition is true or false, and nothing else', () => {
  const condition = (text: string) => {
    const reading = readExpression(text)
    return reading.type === 'expression' ? evaluateCondition(reading.expression, roots) : undefined
  }
  expect(condition('context.total > 1')).toEqual({ type: 'value', value: true })
  expect(condition('context.total')).toEqual({ type: 'failed', message: 'the condition gives 120, neither true nor false' })
  expect(condition('context.none')).toEqual({ type: 'failed', message: 'there is no context.none' })
})

describe('the work of an expression is bounded', () => {
  const many: Json = Array.from({ length: 10_000 }, (_, index) => index)
  const withMany = (text: string): Evaluation => {
    const reading = readExpression(text)
    return reading.type === 'expression'
      ? evaluateExpression(reading.expression, () => ({ many, text: 'x'.repeat(1_000_000) }))
      : { type: 'failed', message: 'faulty' }
  }
  const spent = { type: 'failed', message: 'the expression does more work than is allowed' }

  test.each([
    'context.many.map(a, context.many.map(b, a + b))',
    'context.many.all(a, a in context.many)',
    '[context.many].map(a, a + a).map(a, a + a).map(a, a + a).map(a, a + a).size() > 0',
    'context.many.exists(a, context.text.contains("y"))',
    'context.many.all(a, context.many == context.many)',
    'context.text.split("") == []',
    // What absorbs other mistakes does not absorb this one.
    'context.many.all(a, a in context.many) || true',
  ])('%s', (text) => {
    const before = performance.now()
    expect(withMany(text)).toEqual(spent)
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  test('one loop over ten thousand elements is well within', () => {
    expect(withMany('context.many.filter(a, a > 9997)')).toEqual({ type: 'value', value: [9998, 9999] })
  })
})

test('comparing and calculating agree with JSON numbers, whole or not', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), fc.integer({ min: -1_000, max: 1_000 }), (a, b) => {
      const reading = readExpression(`context.a < context.b ? context.a + context.b : context.a * context.b`)
      if (reading.type === 'faulty') throw new Error('faulty')
      const result = evaluateExpression(reading.expression, () => ({ a, b }))
      expect(result).toEqual({ type: 'value', value: a < b ? a + b : a * b })
    }),
  )
})
