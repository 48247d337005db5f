/** The parts of the command line that compute: graph pictures, event streams, event lines, names, checks. */
import { clockCheck, nodeCheck } from '@tasker/server/internal/cli/commands/doctor'
import { eventLine } from '@tasker/server/internal/cli/event-line'
import { exitCodeOf, faultOf } from '@tasker/server/internal/cli/exit'
import { graphPicture } from '@tasker/server/internal/cli/graph-picture'
import { sseMessages } from '@tasker/server/internal/cli/sse'
import { templateRef } from '@tasker/server/internal/cli/template-ref'
import { terminalOver, wantsColours } from '@tasker/server/internal/cli/terminal'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const edges = (...pairs: readonly string[]) =>
  pairs.map((pair) => ({ from: pair.split('>')[0] ?? '', to: pair.split('>')[1] ?? '' }))

describe('the picture of a graph', () => {
  test('a diamond is drawn from left to right', () => {
    const nodes = ['validate', 'reserve_stock', 'pay', 'ship']
    expect(
      graphPicture({ nodes, edges: edges('validate>reserve_stock', 'validate>pay', 'reserve_stock>ship', 'pay>ship') }),
    ).toEqual([
      '            ┌─▶ reserve_stock ──┐',
      ' validate ──┤                   ├─▶ ship',
      '            └─▶ pay ────────────┘',
    ])
  })

  test('an irregular graph is told line by line', () => {
    expect(graphPicture({ nodes: ['a', 'b', 'c'], edges: edges('a>b', 'b>c', 'a>c') })).toEqual([
      '    1  a',
      '    2  b  after a',
      '    3  c  after b, a',
    ])
  })

  test('no step is missing, whatever the graph', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    const pair = fc.tuple(fc.nat(names.length - 1), fc.nat(names.length - 1))
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 12 }), (pairs) => {
        const forward = pairs
          .filter(([from, to]) => from < to)
          .map(([from, to]) => ({ from: names[from] ?? '', to: names[to] ?? '' }))
        const text = graphPicture({ nodes: names, edges: forward }).join('\n')
        for (const name of names) expect(text).toMatch(new RegExp(`\\b${name}\\b`))
      }),
    )
  })

  test('a graph without steps is no line', () => {
    expect(graphPicture({ nodes: [], edges: [] })).toEqual([])
  })
})

describe('server-sent events', () => {
  test('messages survive being cut anywhere', async () => {
    const text = 'id: 1\nevent: step\ndata: {"a":\ndata: 1}\n\n: still here\n\nid: 2\r\ndata:x\r\n\r\ndata: no end'
    const expected = [
      { id: '1', event: 'step', data: '{"a":\n1}' },
      { id: '2', event: 'message', data: 'x' },
    ]
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async (sizes) => {
        const read = []
        for await (const message of sseMessages(cut(text, sizes))) read.push(message)
        expect(read).toEqual(expected)
      }),
    )
  })
})

async function* cut(text: string, sizes: readonly number[]): AsyncGenerator<string> {
  let at = 0
  for (let i = 0; at < text.length; i++) {
    const size = sizes[i % sizes.length] ?? 1
    yield text.slice(at, at + size)
    at += size
  }
}

describe('the line of an event', () => {
  const { colours } = terminalOver({ write: () => undefined }, { write: () => undefined }, false)

  test('a failure cannot write over the terminal or beyond its line', () => {
    const failure = { error_type: 'Error', message: `\u001b[2Jboom\nsecond line ${'x'.repeat(500)}` }
    const line = eventLine(
      {
        version: 7,
        type: 'step.failed',
        at: '2030-01-31T08:00:00.000Z',
        data: { step_id: 'pay', attempt: 2, failure, permanent: true },
      },
      colours,
    )
    expect(line).toContain('#2')
    expect(line).toContain('Error:  [2Jboom second line')
    expect(line).not.toMatch(/[\u001b\n]/)
    expect(line.length).toBeLessThan(260)
  })

  test('a retry tells how long it waits', () => {
    const data = { step_id: 'pay', attempt: 2, delay_ms: 250 }
    expect(eventLine({ version: 8, type: 'step.retry_scheduled', at: '2030-01-31T08:00:00.000Z', data }, colours)).toContain(
      'in 250 ms',
    )
  })

  test.each([
    [
      'effect.recorded',
      { kind: 'step', key: 'pay', outcome: 'failed', failure: { error_type: 'Error', message: 'no' } },
      'step pay failed Error: no',
    ],
    ['effect.recorded', { kind: 'patch', key: 'fast' }, 'patch fast'],
    ['timer.started', { kind: 'timer', key: 'nap', due_at: '2030-02-01T08:00:00.000Z' }, 'nap until 2030-02-01T08:00:00.000Z'],
    ['timer.fired', { kind: 'timer', key: 'nap' }, 'nap'],
    ['signal.received', { name: 'go', number: 3, payload: {} }, 'go (number 3)'],
    [
      'function.diverged',
      { expected: 'the step a', actual: 'the step b', line: '' },
      'the journal has the step a, the code asked for the step b',
    ],
  ])('%s of a durable function', (type, data, note) => {
    const line = eventLine({ version: 8, type, at: '2030-01-31T08:00:00.000Z', data }, colours)
    expect(line.endsWith(`  ${note}`)).toBe(true)
  })
})

describe('names of templates', () => {
  test('namespace, name and version', () => {
    expect(templateRef('shop/order@1.2.3', 'other')).toEqual({ namespace: 'shop', name: 'order', version: '1.2.3' })
    expect(templateRef('order', undefined)).toEqual({ namespace: 'default', name: 'order', version: undefined })
  })

  test.each(['', 'a/b/c', '@1', 'a@', 'a b'])('%j names none', (text) => {
    expect(() => templateRef(text, undefined)).toThrow('does not name a template')
  })
})

describe('colours', () => {
  test.each([
    [true, undefined, true],
    [true, '', true],
    [true, '1', false],
    [false, undefined, false],
  ])('terminal %s with NO_COLOR=%s', (isTerminal, noColour, expected) => {
    expect(wantsColours(isTerminal, noColour)).toBe(expected)
  })
})

describe('checks of the doctor', () => {
  test.each([
    ['20.18.0', 'wrong'],
    ['20.19.0', 'ok'],
    ['22.0.0', 'ok'],
    ['18.20.1', 'wrong'],
  ])('Node %s is %s', (version, verdict) => {
    expect(nodeCheck(version).verdict).toBe(verdict)
  })

  test('clocks may differ by seconds, not by more', () => {
    const now = Date.parse('2030-01-31T08:00:00.500Z')
    const at = (text: string): string => clockCheck(text, now, now + 20).verdict
    expect(at('Thu, 31 Jan 2030 08:00:00 GMT')).toBe('ok')
    expect(at('Thu, 31 Jan 2030 08:00:04 GMT')).toBe('ok')
    expect(at('Thu, 31 Jan 2030 08:00:20 GMT')).toBe('wrong')
    expect(at('Thu, 31 Jan 2030 07:59:40 GMT')).toBe('wrong')
    expect(clockCheck(null, now, now).verdict).toBe('skipped')
  })
})

test('what is thrown without a name is a mistake of the program and ends with 1', () => {
  const fault = faultOf(new TypeError('x is not a function'))
  expect([fault.reason, exitCodeOf(fault)]).toEqual(['INTERNAL_ERROR', 1])
})
