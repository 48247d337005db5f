import { lineDiff } from '@tasker/server/internal/templates/diff'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const text = (...lines: readonly string[]): string => lines.join('\n')

describe('a diff', () => {
  test('of equal texts is empty', () => {
    expect(lineDiff('a\nb', 'a\nb')).toBe('')
  })

  test('shows what is gone, what is new, and two lines around', () => {
    const before = text('1', '2', '3', '4', 'old', '6', '7', '8', '9', '10', '11')
    const after = text('1', '2', '3', '4', 'new', '6', '7', '8', '9', '10', 'added', '11')
    expect(lineDiff(before, after)).toBe(
      text('…', '  3', '  4', '- old', '+ new', '  6', '  7', '…', '  9', '  10', '+ added', '  11'),
    )
  })

  test('of a very long change is cut, and says so', () => {
    const lines = (name: string): string => Array.from({ length: 3_000 }, (_, i) => `${name} ${i}`).join('\n')
    const shown = lineDiff(lines('a'), lines('b')).split('\n')
    expect(shown).toHaveLength(201)
    expect(shown.at(-1)).toBe('… 5800 more lines')
  })

  test('says how one text becomes the other', () => {
    const line = fc.constantFrom('a', 'b', 'c', '')
    const few = fc.array(line, { maxLength: 5 })
    fc.assert(
      fc.property(few, few, (before, after) => {
        const shown = lineDiff(before.join('\n'), after.join('\n')).split('\n')
        const changed = (sign: string): number => shown.filter((entry) => entry.startsWith(sign)).length
        const [old, fresh] = [before.join('\n').split('\n'), after.join('\n').split('\n')]
        expect(fresh.length - old.length).toBe(changed('+') - changed('-'))
        expect(changed('+') + changed('-') === 0).toBe(before.join('\n') === after.join('\n'))
      }),
    )
  })
})
