/** What an expression reads, place by place, and what stands there. */
import { type Json, valuesRead } from '@tasker/core'
import { expect, test } from 'vitest'
import { expression } from '../../../support/given.js'

const ROOTS: { readonly [root: string]: Json } = {
  context: { total: 3, 'odd name': 1, list: [{ n: 1 }, { n: 2 }], name: { first: 'ann' } },
  deps: { charge: { ok: true } },
  task: { priority: 5 },
}

const read = (text: string): readonly string[] =>
  valuesRead(expression(text), (root) => ROOTS[root] ?? null).map(({ path, value }) => `${path} ${JSON.stringify(value)}`)

test.each([
  ['context.total > 1 && context.total < 9', ['context.total 3']],
  ["context['odd name'] == 1 || deps.charge.ok", ['context["odd name"] 1', 'deps.charge.ok true']],
  ['context.list[1].n == 2', ['context.list[1].n 2']],
  ['context.list[context.total].n == 2', ['context.list [{"n":1},{"n":2}]', 'context.total 3']],
  ['context.list.exists(x, x.n == context.total)', ['context.list [{"n":1},{"n":2}]', 'context.total 3']],
  ['context.list.all(context, context.n > 0)', ['context.list [{"n":1},{"n":2}]']],
  ['has(context.gone) || context.list.gone == 1', ['context.gone undefined', 'context.list.gone undefined']],
  ['context.name.first.startsWith("a") && !(task.priority in [1, -5])', ['context.name.first "ann"', 'task.priority 5']],
  ['{"a": context.total}.a == 3 ? true : false', ['context.total 3']],
  ['context.total["constructor"] == 1', ['context.total.constructor undefined']],
  ['context.gone.deep == 1', ['context.gone.deep undefined']],
])('%s', (text, places) => {
  expect(read(text)).toEqual(places)
})
