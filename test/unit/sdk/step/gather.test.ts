// The results of a batch's workers under the name of the batch.
import { gathered } from '@tasker/sdk/internal/step/gather'
import { expect, test } from 'vitest'

test('parts come together in their order, each with the batch whose longest name fits, and steps that are waited for stay as they are', () => {
  const results = new Map<string, unknown>([
    ['import_002', 2],
    ['import_lines_001', 'line'],
    ['import_001', 1],
    ['import_total', 'of its own'],
    ['other', null],
  ])
  const shown = gathered(results, { after: ['import', 'import_lines', 'import_total'], batches: ['import', 'import_lines'] })
  expect(Object.fromEntries(shown)).toEqual({
    import: [2, 1],
    import_lines: ['line'],
    import_total: 'of its own',
    other: null,
  })
})

test('a batch without a result is missing', () => {
  expect([...gathered(new Map(), { after: ['import'], batches: ['import'] })]).toEqual([])
})
