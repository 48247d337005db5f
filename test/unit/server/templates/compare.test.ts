import { changeLines, compareTemplates, differenceText } from '@tasker/server/internal/templates/compare'
import { expect, test } from 'vitest'

const YAML = ['# by hand', 'name: order', 'steps:', '  - name: a', '    timeout_seconds: 5'].join('\n')

test('formatting, comments and the order of keys are no difference', () => {
  const json = '{"steps":[{"timeout_seconds":5,"name":"a"}],"name":"order"}'
  expect(compareTemplates(YAML, json)).toEqual({ same: true, changes: [], truncated: false, lines: '' })
  expect(differenceText(YAML, json)).toBe('')
})

test('texts with lines are shown by lines, one long line by what changed in it', () => {
  expect(differenceText(YAML, YAML.replace('5', '10'))).toContain('+     timeout_seconds: 10')
  expect(differenceText('{"name":"a","priority":1}', '{"name":"b","metadata":{"x":1}}')).toBe(
    ['~ /name: "a" -> "b"', '- /priority: 1', '+ /metadata: {"x":1}'].join('\n'),
  )
})

test('a value that is long is cut', () => {
  const [line] = changeLines([{ type: 'added', path: '/description', after: 'x'.repeat(1_000) }])
  expect(line).toHaveLength('+ /description: '.length + 121)
})

test('a text that is no YAML is compared as a text', () => {
  expect(compareTemplates('a: [', YAML).changes).toMatchObject([{ type: 'changed', path: '', before: 'a: [' }])
})
