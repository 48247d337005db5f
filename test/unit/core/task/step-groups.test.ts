/** What the statuses of a step mean to the rules. */
import { expect, test } from 'vitest'
import { complete, fail, permanently, plan, start, stateAfter, step, submit } from '../../../support/given.js'

const diamond = plan(step('a'), step('b'), step('c', { after: ['a', 'b'] }))

test('a step runs once all it depends on is complete, and not before', () => {
  const first = stateAfter(diamond, [submit(), start('a'), complete('a')])
  expect(first).toMatchObject({ steps: [{ status: 'complete' }, { status: 'enqueued' }, { status: 'pending' }] })
  const both = stateAfter(diamond, [submit(), start('a'), complete('a'), start('b'), complete('b')])
  expect(both).toMatchObject({ steps: [{ status: 'complete' }, { status: 'complete' }, { status: 'enqueued' }] })
})

test('a step that failed for good satisfies nobody', () => {
  const failed = stateAfter(diamond, [submit(), start('a'), complete('a'), start('b'), fail('b', permanently)])
  expect(failed).toMatchObject({ phase: 'blocked', steps: [{ status: 'complete' }, { status: 'error' }, { status: 'pending' }] })
})
