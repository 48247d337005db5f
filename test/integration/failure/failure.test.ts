/** Conditions, joins, failures and compensation: a real server on a real PostgreSQL, a real worker, seen over the SDK, REST and gRPC. */
import { once } from 'node:events'
import { StepAction } from '@tasker/proto'
import { defineTask, PermanentError, TaskBlockedError, TaskCancelledError, TaskFailedError, type StepContext } from '@tasker/sdk'
import { STEP, TASK } from '@tasker/server/internal/rest/schema/task'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../support/until.js'
import { call, type EveryDoor, openEveryDoor } from '../sdk/every-door.js'

const PATIENCE_MS = 20_000

let doors: EveryDoor

beforeAll(async () => {
  doors = await openEveryDoor()
})
afterEach(() => doors.endWorkers())
afterAll(() => doors.close())

const overRest = async (taskId: string) => TASK.parse(await (await doors.rest('GET', `/v1/tasks/${taskId}`)).json())

const overGrpc = (taskId: string) => call((callback) => doors.tasks.get({ taskId }, callback))

const refused = (): never => {
  throw new PermanentError('no truck left')
}

const eventsOf = async (handle: { events(): AsyncIterable<{ readonly type: string }> }): Promise<readonly string[]> => {
  const types: string[] = []
  for await (const { type } of handle.events()) types.push(type)
  return types
}

test('a step whose condition is false is skipped, and what depends on it is given null', async () => {
  const task = defineTask('wrapped', { namespace: 'when', version: '1.0.0' })
    .step('count', () => ({ items: 2 }))
    .step('wrap', { after: ['count'], when: 'deps.count.items > 5 || context.gift == true' }, () => 'wrapped')
    .step('ship', { after: ['count', 'wrap'] }, ({ deps }) => ({ wrapped: deps.wrap }))
  doors.work('when', task)
  const plain = await doors.client.submit(task, { gift: false })
  expect(await plain.result()).toEqual({ ship: { wrapped: null } })
  expect(await overRest(plain.taskId)).toMatchObject({ steps: [{}, { step_id: 'wrap', status: 'skipped', attempts: 0 }, {}] })
  const gift = await doors.client.submit(task, { gift: true })
  expect(await gift.result()).toEqual({ ship: { wrapped: 'wrapped' } })
  expect(await overGrpc(gift.taskId)).toMatchObject({ task: { steps: [{}, { stepId: 'wrap', status: 'complete' }, {}] } })
})

test('a join goes on with enough of its dependencies, and the worker of what is not needed any more is told', async () => {
  let told = false
  const task = defineTask('raced', { namespace: 'join', version: '1.0.0' })
    .step('slow', async ({ signal }: Pick<StepContext, 'signal'>) => {
      if (!signal.aborted) await once(signal, 'abort')
      told = true
      throw signal.reason
    })
    .step('one', () => 1)
    .step('two', () => 2)
    .step('first', { after: ['one', 'slow'], join: 'any' }, ({ deps }) => deps.one)
    .step('both', { after: ['one', 'two', 'slow', 'first'], join: 3, cancelRemaining: true }, () => 'enough')
  doors.work('join', task)
  const handle = await doors.client.submit(task, {})
  expect(await handle.result()).toEqual({ both: 'enough' })
  await until('the slow step was told', PATIENCE_MS, async () => (told ? 1 : undefined))
  expect(await overRest(handle.taskId)).toMatchObject({
    status: 'complete',
    steps: [{ step_id: 'slow', status: 'cancelled' }, {}, {}, {}, {}],
  })
})

test('a step that became ready and was let go of in one decision never starts', async () => {
  const task = defineTask('let_go', { namespace: 'let_go', version: '1.0.0' })
    .step('root', () => 1)
    .step('slow', { after: ['root'] }, () => 'never')
    .step('unwanted', { after: ['root'], when: 'false' }, () => 'never')
    .step('first', { after: ['unwanted', 'slow'], join: 'any', cancelRemaining: true }, () => 'first')
  doors.work('let_go', task)
  const handle = await doors.client.submit(task, {})
  expect(await handle.result()).toEqual({ first: 'first' })
  const slow = { step_id: 'slow', status: 'cancelled', attempts: 0 }
  expect(await overRest(handle.taskId)).toMatchObject({ steps: [{}, slow, { status: 'skipped' }, { status: 'complete' }] })
})

test('a task may be over, with steps that never began, in the commit of its submission', async () => {
  const task = defineTask('stillborn', { namespace: 'stillborn', version: '1.0.0' })
    .step('first', { when: 'context.missing', onFailure: 'compensate' }, () => 1)
    .step('second', { after: ['first'] }, () => 2)
  const handle = await doors.client.submit(task, {})
  await expect(handle.result()).rejects.toThrow(TaskFailedError)
  expect(await overRest(handle.taskId)).toMatchObject({ status: 'error', steps: [{ status: 'error' }, { status: 'cancelled' }] })
})

test('a task goes on without a step whose failure holds nobody up', async () => {
  const task = defineTask('told', { namespace: 'continue', version: '1.0.0' })
    .step('notify', { onFailure: 'continue' }, refused)
    .step('close', { after: ['notify'] }, ({ deps }) => ({ notified: deps.notify }))
  doors.work('continue', task)
  const handle = await doors.client.submit(task, {})
  expect(await handle.result()).toEqual({ close: { notified: null } })
  expect(await overGrpc(handle.taskId)).toMatchObject({
    task: { status: 'complete', steps: [{ status: 'error' }, { status: 'complete' }] },
  })
})

describe('compensation', () => {
  type Undone = readonly [step: string, ...given: unknown[]]

  /** Notes each way back in the order in which it ran, with what it was given. */
  const trip = (namespace: string, undone: Undone[], undoHotel: (context: StepContext) => unknown = () => 'hotel back') =>
    defineTask('trip', { namespace, version: '1.0.0' })
      .step(
        'flight',
        {
          compensate: ({ compensates, input }) => {
            undone.push(['flight', compensates?.result, input])
            return 'flight back'
          },
        },
        () => ({ seat: '7A' }),
      )
      .step('stroll', { after: ['flight'] }, () => 'nothing to take back')
      .step(
        'hotel',
        {
          after: ['stroll'],
          compensate: {
            handler: (context) => {
              undone.push(['hotel', context.compensates?.result, context.attempt])
              return undoHotel(context)
            },
            retry: { maxAttempts: 2, backoff: 'none' },
          },
        },
        () => ({ room: 12 }),
      )
      .step('car', { after: ['hotel'], onFailure: 'compensate' }, refused)
      .step('tell', { after: ['car'] }, () => 'never')

  test('takes back what is complete against the order of the dependencies, and the task ends in error', async () => {
    const undone: Undone[] = []
    const task = trip('back', undone)
    doors.work('back', task)
    const handle = await doors.client.submit(task, { to: 'Rome' })
    const error = await handle.result().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TaskFailedError)
    expect(error).toMatchObject({ failureCode: 'COMPENSATED' })
    expect(undone).toEqual([
      ['hotel', { room: 12 }, 2],
      ['flight', { seat: '7A' }, { to: 'Rome' }],
    ])
    const preview = await call((callback) => doors.tasks.getCompensation({ taskId: handle.taskId }, callback))
    expect(preview).toEqual({
      state: 'done',
      steps: [
        { stepId: 'hotel', handler: 'trip@1.0.0/hotel#compensate', state: 'done', after: [] },
        { stepId: 'flight', handler: 'trip@1.0.0/flight#compensate', state: 'done', after: ['hotel'] },
      ],
      withoutWayBack: ['stroll'],
    })
    expect(await overRest(handle.taskId)).toMatchObject({
      status: 'error',
      steps: [
        { step_id: 'flight', status: 'compensated', output: { seat: '7A' } },
        { step_id: 'stroll', status: 'complete' },
        { step_id: 'hotel', status: 'compensated' },
        { step_id: 'car', status: 'error' },
        { step_id: 'tell', status: 'cancelled' },
      ],
    })
    const types = (await eventsOf(handle)).filter((type) => type.startsWith('compensation.') || type.startsWith('task.'))
    expect(types).toEqual(['task.submitted', 'compensation.started', 'compensation.completed', 'task.failed'])
  })

  test('comes before the end of a cancelled task', async () => {
    const undone: unknown[] = []
    const task = defineTask('stopped', { namespace: 'stopped', version: '1.0.0' })
      .step('book', { compensate: ({ compensates }) => undone.push(compensates?.result) }, () => 'booked')
      .step('wait', { after: ['book'] }, async ({ signal }: Pick<StepContext, 'signal'>) => {
        if (!signal.aborted) await once(signal, 'abort')
        throw signal.reason
      })
    doors.work('stopped', task)
    const handle = await doors.client.submit(task, {})
    await until('the second step runs', PATIENCE_MS, async () =>
      (await handle.state()).steps[1]?.status === 'in_progress' ? 1 : undefined,
    )
    await handle.cancel('changed my mind')
    await expect(handle.result()).rejects.toThrow(TaskCancelledError)
    expect(undone).toEqual(['booked'])
    expect(await overGrpc(handle.taskId)).toMatchObject({
      task: { status: 'cancelled', steps: [{ status: 'compensated' }, { status: 'cancelled' }] },
    })
  })

  test('that fails for good blocks the task, until a person resets the way back over gRPC', async () => {
    const undone: Undone[] = []
    let broken = true
    const task = trip('mended', undone, () => (broken ? refused() : 'hotel back'))
    doors.work('mended', task)
    const handle = await doors.client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    expect(await overRest(handle.taskId)).toMatchObject({
      status: 'blocked_by_failures',
      steps: [{ status: 'complete' }, {}, { step_id: 'hotel', status: 'error', compensating: true }, {}, {}],
    })
    broken = false
    const base = { taskId: handle.taskId, stepId: 'hotel', by: 'ops@x', result: undefined, metadata: undefined, reason: 'fixed' }
    await call((callback) => doors.steps.resolveStep({ ...base, action: StepAction.STEP_ACTION_RESET_FOR_RETRY }, callback))
    const error = await doors.client
      .task(handle.taskId)
      .result()
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TaskFailedError)
    expect(undone.map(([step]) => step)).toEqual(['hotel', 'hotel', 'flight'])
  })

  test('that fails for good goes on past a way back that a person closes over REST', async () => {
    const undone: Undone[] = []
    const task = trip('closed', undone, refused)
    doors.work('closed', task)
    const handle = await doors.client.submit(task, {})
    await expect(handle.result()).rejects.toThrow(TaskBlockedError)
    expect(await call((callback) => doors.tasks.explain({ taskId: handle.taskId }, callback))).toMatchObject({
      status: 'blocked_by_failures',
      steps: [
        { stepId: 'flight', reason: 'compensation', waitsFor: ['hotel'] },
        { stepId: 'hotel', reason: 'failed', why: 'Its way back failed for good: no truck left' },
        { stepId: 'car', reason: 'failed' },
      ],
    })
    const path = `/v1/tasks/${handle.taskId}/workflow_steps/`
    const body = { action_type: 'complete_manually', reason: 'refunded by phone', completion_data: { result: { refund: 1 } } }
    expect((await doors.rest('PATCH', `${path}car`, body)).status).toBe(409)
    const closed = await doors.rest('PATCH', `${path}hotel`, body)
    expect(STEP.parse(await closed.json())).toMatchObject({ status: 'compensated', output: { room: 12 } })
    await expect(doors.client.task(handle.taskId).result()).rejects.toThrow(TaskFailedError)
    expect(undone.map(([step]) => step)).toEqual(['hotel', 'flight'])
  })
})
