/** A command carries what its step needs and nothing that it must not see. */
import { parseTaskId, stepId, trustedJson, type LiveTask, type TaskId } from '@tasker/core'
import { commandBytes, wireCommand } from '@tasker/server/internal/grpc/step-command'
import { StepCommand as WireCommand } from '@tasker/proto'
import { describe, expect, test } from 'vitest'
import { checkpoint, choose, complete, plan, start, step, submit, taskAfter } from '../../../support/given.js'

const taskId = (): TaskId => {
  const id = parseTaskId('01JGZZZZZZ0000000000000001')
  if (id === undefined) throw new Error('the test has a bad task id')
  return id
}

const commandFor = (task: LiveTask, name: string, stepIndex: number) =>
  wireCommand({ taskId: taskId(), step: stepId(name), attempt: 1, task, stepIndex, deadlineAt: task.updatedAt })

const chain = plan(
  step('a'),
  step('b', { after: ['a'], method: 'load' }),
  step('c', { after: ['b'], retry: { retryable: false } }),
)
const running = (of = chain) =>
  taskAfter(of, submit(), start('a'), complete('a', '1'), start('b'), complete('b', '2'), start('c'))

describe('dependencies', () => {
  test('all ancestors are shown unless the template says direct', () => {
    expect(commandFor(running(), 'c', 2).dependencies.map(({ stepId: name }) => name)).toEqual(['a', 'b'])
    const direct = { ...chain, template: { ...chain.template, dependencyScope: 'direct' as const } }
    expect(commandFor(running(direct), 'c', 2).dependencies.map(({ stepId: name }) => name)).toEqual(['b'])
  })

  test('a root step has none', () => {
    expect(commandFor(running(), 'a', 0).dependencies).toEqual([])
  })
})

test('the method, the policy and the template are told', () => {
  const [second, third] = [commandFor(running(), 'b', 1), commandFor(running(), 'c', 2)]
  expect([second.method, second.maxAttempts, third.maxAttempts]).toEqual(['load', 3, 1])
  expect(third).toMatchObject({ templateName: 'order', templateVersion: '1.0.0', correlationId: 'c-1', namespace: 'shop' })
})

test('a context is encoded once a task, and anew for a task of its own', () => {
  const task = running()
  expect(commandFor(task, 'b', 1).input).toBe(commandFor(task, 'c', 2).input)
  expect(commandFor(running(), 'b', 1).input).not.toBe(commandFor(task, 'c', 2).input)
})

const BATCH = plan(
  step('split', { type: 'batchable', initialization: { batch_size: 5, max_workers: 9 } }),
  step('part', {
    after: ['split'],
    type: 'batch_worker',
    batch: { parallelism: 3, cursorField: 'row', failureStrategy: 'isolate' },
  }),
)
const range = { id: '', start: trustedJson('{"page":1}'), end: trustedJson('null'), size: 5 }
const atPart = [submit(), start('split'), choose('split', { type: 'create_batches', ranges: [range, range] }), start('part_002')]

test('an analyzer is told what its template allows, a worker its range, and whoever saved something where to begin', () => {
  expect(commandFor(taskAfter(BATCH, submit(), start('split')), 'split', 0)).toMatchObject({
    stepType: 'batchable',
    batchLimits: { workerTemplate: 'part', batchSize: 5, maxWorkers: 9, parallelism: 3, cursorField: 'row' },
    batch: undefined,
  })
  const worker = commandFor(taskAfter(BATCH, ...atPart, checkpoint('part_002', 1)), 'part_002', 3)
  expect(worker.batch).toEqual({
    id: '002',
    index: 1,
    start: { encoding: '', data: Buffer.from('{"page":1}') },
    end: { encoding: '', data: Buffer.from('null') },
    size: 5,
    isNoOp: false,
    workerTemplate: 'part',
    count: 2,
    cursorField: 'row',
    failureStrategy: 'isolate',
  })
  expect([worker.handler, worker.checkpoint?.itemsProcessed, worker.checkpoint?.accumulated]).toEqual([
    'Handlers.part',
    1,
    undefined,
  ])
  expect(commandBytes(worker)).toBeGreaterThanOrEqual(WireCommand.encode(worker).finish().length)
})

test('the size that is reckoned is never below the size on the wire', () => {
  for (const [name, index] of [
    ['a', 0],
    ['b', 1],
    ['c', 2],
  ] as const) {
    const command = commandFor(running(), name, index)
    expect(commandBytes(command)).toBeGreaterThanOrEqual(WireCommand.encode(command).finish().length)
  }
})
