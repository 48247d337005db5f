/** Which steps a decision may name, and what a graph is once a batch has its workers. */
import { branchesOf, stepId, withWorkers } from '@tasker/core'
import { expect, test } from 'vitest'
import { plan, step } from '../../../support/given.js'

test('a decision may name what stands behind it, up to the next decision and without workers of batches', () => {
  const of = plan(
    step('a'),
    step('d', { after: ['a'], type: 'decision' }),
    step('left', { after: ['d'] }),
    step('split', { after: ['left'], type: 'batchable' }),
    step('part', { after: ['split'], type: 'batch_worker' }),
    step('sum', { after: ['part'] }),
    step('inner', { after: ['d'], type: 'decision' }),
    step('deep', { after: ['inner'] }),
  )
  const names = [...branchesOf(of, 1)].map((index) => of.steps[index]?.name)
  expect(names.toSorted()).toEqual(['inner', 'left', 'split', 'sum'])
})

test('workers stand where their template stood: they wait for what it waited for, and others wait for them', () => {
  const of = plan(
    step('split', { type: 'batchable' }),
    step('part', { after: ['split'], type: 'batch_worker' }),
    step('sum', { after: ['part', 'split'] }),
  )
  const graph = withWorkers(of, 1, [stepId('part_1'), stepId('part_2')])
  expect(graph.steps.map(({ name, dependencies }) => [name, dependencies])).toEqual([
    ['split', []],
    ['part', ['split']],
    ['sum', ['part_1', 'part_2', 'split']],
    ['part_1', ['split']],
    ['part_2', ['split']],
  ])
  expect(graph.dependencies).toEqual([[], [0], [3, 4, 0], [0], [0]])
  expect(graph.dependents).toEqual([[1, 2, 3, 4], [], [], [2], [2]])
  expect([...graph.indexOf.values()]).toEqual([0, 1, 2, 3, 4])
})
