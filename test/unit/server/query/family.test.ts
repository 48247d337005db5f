/** A task with the tasks below it: as data, as one graph, and as what it waits for. */
import { type ChildGraph, familyMermaid, graphView, type TaskId, taskStatus } from '@tasker/core'
import { explanationOf } from '@tasker/server/internal/query/explanation'
import { familyOf } from '@tasker/server/internal/query/family'
import { wireTask } from '@tasker/server/internal/grpc/task-message'
import { taskText } from '@tasker/server/internal/rest/views/task-text'
import { expect, test } from 'vitest'
import { startTestEngine, submissionOf, type TestEngine } from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

const read = async (made: TestEngine, taskId: TaskId) => {
  const snapshot = await made.engine.read(taskId)
  if (snapshot === undefined) throw new Error('there is no such task')
  return snapshot
}

/** A graph whose step `ask` is a function, which has begun a task of another graph. */
const threeTasks = async () => {
  const made = await startTestEngine()
  const document = JSON.stringify({ kind: 'function', name: 'approval', namespace_name: 'shop', version: '1.0.0' })
  await made.soon(made.engine.register(document, { replace: false, actor: 'tester' }))
  await made.register('order', [{ name: 'ask', callable: 'approval', more: { type: 'function' } }])
  await made.register('check', [
    { name: 'a', attempts: 1 },
    { name: 'b', after: ['a'] },
  ])
  const worker = made.worker({ handlers: ['approval@1.0.0/run', 'work'] })
  const top = await made.submitted(submissionOf(1))
  const run = worker.command('run')
  worker.record(
    run,
    [{ type: 'child', key: 'look', namespace: undefined, name: 'check', input: run.task.submitted.context, onClose: 'cancel' }],
    { then: { type: 'suspend', seen: 0 } },
  )
  await settled()
  return { made, worker, top, middle: run.taskId, low: worker.command('a').taskId }
}

test('children and theirs are found, parents first, with their states', async () => {
  const { made, top, middle, low } = await threeTasks()
  const { descendants, isCut } = await familyOf(made.engine, await read(made, top))
  expect(isCut).toBe(false)
  expect(descendants.map(({ child, parent, state }) => [child.taskId, child.key, parent, state && taskStatus(state)])).toEqual([
    [middle, 'ask', top, 'waiting_for_dependencies'],
    [low, 'look', middle, 'steps_in_process'],
  ])
})

test('all of them are one graph', async () => {
  const { made, top } = await threeTasks()
  const snapshot = await read(made, top)
  const { descendants } = await familyOf(made.engine, snapshot)
  const children = descendants.map(({ child, parent, state }): ChildGraph => {
    const { taskId, step, key, name } = child
    return { taskId, parent, step, key, name, status: state && taskStatus(state), view: state && graphView(state.plan, state) }
  })
  const drawn = familyMermaid(top, graphView(snapshot.state.plan, snapshot.state), children).split('\n')
  expect(drawn.filter((line) => !line.includes('classDef'))).toEqual([
    'flowchart TD',
    '  s0["ask<br/>in_progress"]:::in_progress',
    '  subgraph t0["ask: approval, waiting_for_dependencies"]',
    '    t0s0["run<br/>pending"]:::pending',
    '  end',
    '  s0 -.-> t0',
    '  subgraph t1["look: check, steps_in_process"]',
    '    t1s0["a<br/>in_progress"]:::in_progress',
    '    t1s1["b<br/>pending"]:::pending',
    '    t1s0 --> t1s1',
    '  end',
    '  t0s0 -.-> t1',
    '',
  ])
})

test('an explanation says which task is waited for, of a step and of a function', async () => {
  const { made, top, middle, low } = await threeTasks()
  const whyOf = async (taskId: TaskId) =>
    explanationOf(made.engine, await read(made, taskId)).steps.map(({ reason, why }) => `${reason}: ${why}`)
  expect(await whyOf(top)).toEqual([`child: Its work is task ${middle}, which is not over.`])
  expect(await whyOf(middle)).toEqual([`child: The function waits for its child look (task ${low}).`])
})

test('a task is shown with its parent and its children, over REST and gRPC', async () => {
  const { made, worker, top, middle, low } = await threeTasks()
  worker.fail(worker.command('a'))
  await settled()
  const [above, between] = [await read(made, top), await read(made, middle)]
  expect(JSON.parse(taskText(above))).toMatchObject({
    parent: null,
    children: [{ task_id: middle, of: 'step', step_id: 'ask', key: 'ask', name: 'approval', outcome: 'open' }],
  })
  expect(JSON.parse(taskText(between))).toMatchObject({
    parent: { task_id: top, of: 'step', key: 'ask', round: 1, on_parent_close: 'cancel', depth: 1 },
    children: [{ task_id: low, of: 'function', step_id: 'run', key: 'look', name: 'check', outcome: 'open' }],
  })
  expect(wireTask(between)).toMatchObject({
    parent: { taskId: top, of: 'step', key: 'ask', round: 1, abandoned: false, depth: 1 },
    children: [{ taskId: low, of: 'function', stepId: 'run', key: 'look', name: 'check', outcome: 'open' }],
  })
})

test('as of a moment only what the task itself knew is told', async () => {
  const { made, middle, low } = await threeTasks()
  const { version } = await read(made, middle)
  const past = await made.engine.readAsOf(middle, { type: 'version', version })
  if (past === undefined) throw new Error('the task is there')
  const { descendants } = await familyOf(made.engine, past)
  expect(descendants).toMatchObject([{ child: { taskId: low }, state: undefined }])
})
