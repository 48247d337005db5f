/** Steps of a graph whose work is a durable function: D1 and D2 of `core/src/task/function-step.ts`. */
import { type TaskId, taskStatus } from '@tasker/core'
import type { AttemptOutcome, StepCommand } from '@tasker/server/internal/engine/api'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { expect, test } from 'vitest'
import {
  PARTITIONS,
  type ScriptedWorker,
  startTestEngine,
  type StepShape,
  submissionOf,
  Switchboard,
  type TestEngine,
} from '../../../support/engine.js'
import { settled, VirtualClock } from '../../../support/virtual-clock.js'

interface World {
  readonly made: TestEngine
  readonly crew: ScriptedWorker
}

const HANDLERS = ['work', 'approve@1.0.0/run', 'approve@2.0.0/run']

const approving = (fields: Partial<StepShape> = {}): StepShape => {
  const { more = {}, ...rest } = fields
  return { name: 'approve', callable: 'approve', ...rest, more: { type: 'function', ...more } }
}

const world = async (steps: readonly StepShape[], options: Parameters<typeof startTestEngine>[0] = {}): Promise<World> => {
  const made = await startTestEngine(options)
  for (const version of ['1.0.0', '2.0.0']) {
    const document = JSON.stringify({ kind: 'function', name: 'approve', namespace_name: 'shop', version })
    await made.soon(made.engine.register(document, { replace: false, actor: 'tester' }))
  }
  await made.register('order', steps)
  return { made, crew: made.worker({ handlers: HANDLERS }) }
}

const stateOf = async ({ made }: World, taskId: TaskId) => {
  const snapshot = await made.engine.read(taskId)
  if (snapshot === undefined) throw new Error('there is no such task')
  return snapshot.state
}

const statusOf = async (here: World, taskId: TaskId) => taskStatus(await stateOf(here, taskId))

/** What runs of the function were sent, in their order; each is of a child of its own. */
const runs = ({ crew }: World): readonly StepCommand[] => crew.commands.filter(({ step }) => step === 'run')

const answer = async (here: World, command: StepCommand | undefined, outcome: AttemptOutcome): Promise<void> => {
  if (command === undefined) throw new Error('nothing was started')
  here.crew.result(command, outcome)
  await settled()
}

const failed = (code: string): AttemptOutcome => ({
  type: 'failed',
  failure: { message: 'no', errorType: 'Error', code, retryable: false },
})
const gave = (output: string): AttemptOutcome => ({
  type: 'completed',
  output: output as Extract<AttemptOutcome, { type: 'completed' }>['output'],
})

test('a step whose work is a function runs as a child with the context, and gives what that gives', async () => {
  const here = await world([{ name: 'first' }, approving({ after: ['first'] }), { name: 'last', after: ['approve'] }])
  const taskId = await here.made.submitted(submissionOf(1))
  await answer(here, here.crew.command('first'), gave('1'))
  const [run] = runs(here)
  expect(run?.task.submitted).toMatchObject({
    name: 'approve',
    version: '2.0.0',
    context: '{"n":1}',
    parent: { taskId, of: 'step', key: 'approve', round: 1, onClose: 'cancel', depth: 1 },
  })
  expect((await stateOf(here, taskId)).steps[1]).toMatchObject({ status: 'in_progress', worker: `task:${run?.taskId ?? ''}` })
  await answer(here, run, gave('{"by":"Ada"}'))
  await answer(here, here.crew.command('last'), gave('3'))
  expect((await stateOf(here, taskId)).steps[1]).toMatchObject({ status: 'complete', output: '{"by":"Ada"}' })
  expect(await statusOf(here, taskId)).toBe('complete')
})

test('its input is made of expressions, and a version may be said', async () => {
  const initialization = { all: '${deps.first}', text: 'n is ${context.n}', plain: [1, '${context.n}'] }
  const steps = [{ name: 'first' }, approving({ after: ['first'], callable: 'approve@1.0.0', initialization })]
  const here = await world(steps)
  await here.made.submitted(submissionOf(1))
  await answer(here, here.crew.command('first'), gave('{"x":[1]}'))
  const [run] = runs(here)
  expect(run?.task.submitted.version).toBe('1.0.0')
  expect(JSON.parse(run?.task.submitted.context ?? '')).toEqual({ all: { x: [1] }, text: 'n is 1', plain: [1, 1] })
})

test('a child that fails is followed by another as the policy says, and the last failure is that of the step', async () => {
  const here = await world([approving({ attempts: 2 })])
  const taskId = await here.made.submitted(submissionOf(1))
  await answer(here, runs(here)[0], failed('NO_STOCK'))
  expect((await stateOf(here, taskId)).steps[0]).toMatchObject({ status: 'waiting_for_retry' })
  await here.made.clock.advance(1_000)
  await settled()
  const [first, second] = runs(here)
  expect(second?.taskId).not.toBe(first?.taskId)
  await answer(here, second, failed('NO_STOCK'))
  const { steps, phase } = await stateOf(here, taskId)
  expect([phase, steps[0]?.status, steps[0]?.lastFailure?.code]).toEqual(['blocked', 'error', 'NO_STOCK'])
})

test('what refuses the child, or cancels it, fails the step for good', async () => {
  const here = await world([
    approving({ name: 'unknown', callable: 'nobody' }),
    approving({ name: 'no value', initialization: { x: '${context.nobody}' } }),
    approving({ name: 'stopped' }),
  ])
  const taskId = await here.made.submitted(submissionOf(1))
  const [run] = runs(here)
  if (run === undefined) throw new Error('nothing was started')
  await here.made.soon(here.made.engine.cancel(run.taskId, undefined, 'tester'))
  await answer(here, run, { type: 'cancelled' })
  const { steps, phase } = await stateOf(here, taskId)
  expect(phase).toBe('blocked')
  expect(steps.map(({ lastFailure }) => lastFailure?.code)).toEqual([
    'TEMPLATE_NOT_FOUND',
    'STEP_INPUT_FAILED',
    'CHILD_CANCELLED',
  ])
})

test('a result that does not fit the schema of the step fails it', async () => {
  const here = await world([approving({ resultSchema: { type: 'object', required: ['by'] } })])
  const taskId = await here.made.submitted(submissionOf(1))
  await answer(here, runs(here)[0], gave('{}'))
  expect((await stateOf(here, taskId)).steps[0]?.lastFailure?.code).toBe('RESULT_SCHEMA_MISMATCH')
})

test('an attempt that takes too long lets go of its child, and the next has one of its own', async () => {
  const here = await world([approving({ timeoutS: 5, attempts: 2 })])
  const taskId = await here.made.submitted(submissionOf(1))
  await here.made.clock.advance(5_000)
  await settled()
  await here.made.clock.advance(1_000)
  await settled()
  const [first, second] = runs(here)
  expect(await statusOf(here, first?.taskId ?? taskId)).toBe('cancelling')
  await answer(here, first, { type: 'cancelled' })
  await answer(here, second, gave('2'))
  expect(await statusOf(here, taskId)).toBe('complete')
})

test('cancelling the task cancels the child, and waits for it as for any running step', async () => {
  const here = await world([approving()])
  const taskId = await here.made.submitted(submissionOf(1))
  const [run] = runs(here)
  await here.made.soon(here.made.engine.cancel(taskId, 'enough', 'tester'))
  expect([await statusOf(here, taskId), await statusOf(here, run?.taskId ?? taskId)]).toEqual(['cancelling', 'cancelling'])
  await answer(here, run, { type: 'cancelled' })
  expect([await statusOf(here, taskId), await statusOf(here, run?.taskId ?? taskId)]).toEqual(['cancelled', 'cancelled'])
})

test('a person who closes the step cancels its child', async () => {
  const here = await world([approving()])
  const taskId = await here.made.submitted(submissionOf(1))
  const [run] = runs(here)
  const step = (await stateOf(here, taskId)).graph.steps[0]?.name
  if (step === undefined) throw new Error('no step')
  await here.made.soon(here.made.engine.order(taskId, { type: 'resolve_step', step }, 'tester'))
  expect([await statusOf(here, taskId), await statusOf(here, run?.taskId ?? taskId)]).toEqual(['complete', 'cancelling'])
})

test('in a paused task no child begins, and it does when the task is resumed', async () => {
  const here = await world([{ name: 'first' }, approving({ after: ['first'] })])
  const taskId = await here.made.submitted(submissionOf(1))
  await here.made.soon(here.made.engine.order(taskId, { type: 'pause' }, 'tester'))
  await answer(here, here.crew.command('first'), gave('1'))
  expect(runs(here)).toEqual([])
  await here.made.soon(here.made.engine.order(taskId, { type: 'resume' }, 'tester'))
  expect(runs(here)).toHaveLength(1)
})

test('a step with a key runs its child when it has a place', async () => {
  const here = await world([approving({ more: { concurrency: { key: 'one', limit: 1 } } })])
  const one = await here.made.submitted(submissionOf(1))
  await here.made.submitted(submissionOf(2))
  await here.made.clock.advance(100)
  expect(runs(here)).toHaveLength(1)
  await answer(here, runs(here)[0], gave('1'))
  await here.made.clock.advance(100)
  expect([await statusOf(here, one), runs(here).length]).toEqual(['complete', 2])
})

test('each attempt has one child that ends once, whichever append the server dies at', async () => {
  for (let dies = 1; ; dies++) {
    const faults = new Switchboard()
    const log = memoryLog({ partitionCount: PARTITIONS, faults })
    const [store, clock] = [memoryStore(), new VirtualClock()]
    const first = await world([{ name: 'first' }, approving({ after: ['first'], timeoutS: 3_600 })], { log, store, clock })
    const taskId = await first.made.submitted(submissionOf(1))
    let appends = 0
    faults.append = () => (++appends >= dies ? { type: 'unavailable' } : { type: 'delivered' })
    for (let turns = 0; turns < 6; turns++) {
      for (const command of first.crew.open) first.crew.complete(command)
      await settled()
    }
    first.made.engine.stop().catch(() => undefined)
    faults.up()
    const survived = appends < dies
    const second = await startTestEngine({ log, store, clock })
    const crew = second.worker({ handlers: HANDLERS })
    for (let turns = 0; turns < 40; turns++) {
      for (const command of crew.open) crew.complete(command)
      await settled()
      crew.session.heard()
      await clock.advance(1_000)
    }
    const tasks = log.all().filter(({ types }) => types[0] === 'task.submitted')
    expect({ dies, status: await statusOf({ made: second, crew }, taskId), tasks: tasks.length }).toEqual({
      dies,
      status: 'complete',
      tasks: 2,
    })
    await second.engine.stop()
    if (survived) break
  }
})
