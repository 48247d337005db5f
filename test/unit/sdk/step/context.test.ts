// The accessors of a context: fields of input, config and results, and what the attempt means.
import { defineStep, type StepContext } from '@tasker/sdk'
import { AttemptContext } from '@tasker/sdk/internal/step/attempt-context'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { command, payload, resultsOf } from '../scripted-server.js'
import { turn } from '../virtual-clock.js'
import { silent, startWorker } from '../worker/started-worker.js'

const seenBy = async (look: (context: StepContext) => unknown, more: Parameters<typeof command>[1] = {}): Promise<unknown> => {
  let seen: unknown
  const handler = (context: StepContext): void => {
    seen = look(context)
  }
  const { server } = await startWorker({ handlers: [defineStep('a', handler)] })
  server.worker().send({ commands: [command('a', more)] })
  await turn()
  expect(resultsOf(server.worker())[0]?.outcome?.$case).toBe('success')
  return seen
}

test('fields of input and config are read by name, with a fallback, and never from a prototype', async () => {
  const look = ({ getInput, getInputOr, getConfig }: StepContext) => [
    getInput('id'),
    getInput('none'),
    getInput('toString'),
    getInputOr('size', 10),
    getInputOr('empty', 'x'),
    getInputOr('zero', 5),
    getConfig('currency'),
    getConfig('constructor'),
  ]
  const input = payload({ id: 'A-1', empty: null, zero: 0 })
  expect(await seenBy(look, { input, config: payload({ currency: 'EUR' }) })).toEqual([
    ...['A-1', undefined, undefined],
    ...[10, 'x', 0],
    ...['EUR', undefined],
  ])
})

test('results are read by step, by a path into them, and by the beginning of their names in the order of the steps', async () => {
  const dependencies = [
    { stepId: 'load', output: payload({ order: { lines: [{ sku: 'tea' }] }, total: 0 }) },
    { stepId: 'work_b', output: payload({ done: 2 }) },
    { stepId: 'work_a', output: payload(null) },
    { stepId: '__proto__', output: payload('own') },
  ]
  const look = ({ getDependencyResult, getDependencyField, getAllDependencyResults, deps }: StepContext) => [
    getDependencyResult('load'),
    getDependencyResult('none'),
    getDependencyResult('__proto__'),
    getDependencyField('load', 'order', 'lines', 0, 'sku'),
    getDependencyField('load', 'order', 'pages', 0),
    getDependencyField('load', 'total', 'toFixed'),
    getDependencyField('none', 'total'),
    getAllDependencyResults('work_'),
    getAllDependencyResults('none'),
    Object.keys(deps),
  ]
  expect(await seenBy(look, { dependencies })).toEqual([
    { order: { lines: [{ sku: 'tea' }] }, total: 0 },
    undefined,
    'own',
    'tea',
    undefined,
    undefined,
    undefined,
    [{ done: 2 }, null],
    [],
    ['load', 'work_b', 'work_a', '__proto__'],
  ])
})

test('the attempt says how many retries there were since the last reset, and how many the policy allows', async () => {
  const look = ({ attempt, isRetry, isLastAttempt, retryCount, maxRetries }: StepContext) => ({
    attempt,
    isRetry,
    isLastAttempt,
    retryCount,
    maxRetries,
  })
  const first = await seenBy(look)
  expect(first).toEqual({ attempt: 1, isRetry: false, isLastAttempt: false, retryCount: 0, maxRetries: 2 })
  const reset = { ref: { taskId: 'T1', stepId: 'a', attempt: 5 }, attemptsSinceReset: 2, maxAttempts: 2 }
  expect(await seenBy(look, reset)).toEqual({ attempt: 5, isRetry: true, isLastAttempt: true, retryCount: 1, maxRetries: 1 })
})

test('a step that is no batch has neither range nor cursor, and one without a dependency no results', async () => {
  const look = ({ batch, cursor, deps, getAllDependencyResults }: StepContext) => [
    batch,
    cursor,
    deps,
    getAllDependencyResults(''),
  ]
  expect(await seenBy(look)).toEqual([undefined, undefined, {}, []])
})

test('fields are those of the schema’s output', async () => {
  const seen: unknown[] = []
  const input = z.object({ size: z.number().default(7) })
  const handler = defineStep('a', { input }, ({ getInput, input: whole }) => {
    seen.push(getInput('size'), whole.size)
  })
  const { server } = await startWorker({ handlers: [handler] })
  server.worker().send({ commands: [command('a')] })
  await turn()
  expect(seen).toEqual([7, 7])
})

test('a checkpoint that says only a cursor keeps the rest as it was', async () => {
  const saved: unknown[] = []
  const port = {
    signal: () => new AbortController().signal,
    heartbeat: () => undefined,
    checkpoint: async (progress: unknown) => void saved.push(progress),
    saved: () => undefined,
    publish: () => undefined,
  }
  const ids = { taskId: 'T1', stepId: 'a', attempt: 1 }
  const checkpoint = { number: 1, cursor: payload(5), itemsProcessed: 5, accumulated: payload([1]) }
  const context = new AttemptContext(command('a', { checkpoint }), port, silent, ids)
  await context.checkpoint({ cursor: 6 })
  await context.checkpoint({ cursor: 7, itemsProcessed: 7, accumulated: null })
  await new AttemptContext(command('a'), port, silent, ids).checkpoint({ cursor: 'first' })
  expect(saved).toEqual([
    { cursor: 6, itemsProcessed: 5, accumulated: [1] },
    { cursor: 7, itemsProcessed: 7, accumulated: null },
    { cursor: 'first', itemsProcessed: 0, accumulated: null },
  ])
})
