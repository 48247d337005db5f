import { jsonOf } from '@tasker/core'
import { verifyChain } from '@tasker/server/internal/log/commit-hash'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import type { SequencedCommit } from '@tasker/server/internal/log/port'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { expect, test } from 'vitest'
import {
  commitsOf,
  gate,
  PARTITIONS,
  startTestEngine,
  type StepShape,
  submissionOf,
  Switchboard,
  type TestEngine,
} from '../../../support/engine.js'
import { settled } from '../../../support/virtual-clock.js'

const FAN = [{ name: 'a' }, { name: 'b', after: ['a'] }, { name: 'c', after: ['a'] }, { name: 'd', after: ['b', 'c'] }]

interface Stage {
  readonly made: TestEngine
  readonly faults: Switchboard
}

const stage = async (steps: readonly StepShape[] = FAN): Promise<Stage> => {
  const faults = new Switchboard()
  const made = await startTestEngine({ log: memoryLog({ partitionCount: PARTITIONS, faults }), store: memoryStore() })
  await made.register('order', steps)
  return { made, faults }
}

/** Refuses commits that hold a text, as a database refuses what it cannot keep. */
const refuse =
  (text: string) =>
  (rows: readonly SequencedCommit[]): { readonly type: 'refused'; readonly message: string } | { readonly type: 'delivered' } =>
    rows.some(({ commit }) => commit.text.includes(text)) ? { type: 'refused', message: `no ${text}` } : { type: 'delivered' }

test('results that come together are decided one after another, each on the state the last one left (E1)', async () => {
  const { made } = await stage()
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  worker.complete(worker.command('a'))
  await settled()
  worker.complete(worker.command('b'))
  worker.complete(worker.command('c'))
  await settled()
  const types = await made.types(taskId)
  expect(types.filter((type) => type === 'step.scheduled')).toHaveLength(4)
  await worker.workOff()
  expect((await made.types(taskId)).at(-1)).toBe('task.completed')
  expect(verifyChain(await commitsOf(made.log, taskId))).toMatchObject({ type: 'intact' })
})

test('the step that a result releases starts in the same commit when a worker is free for it', async () => {
  const { made } = await stage()
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  worker.complete(worker.command('a'))
  await settled()
  expect((await commitsOf(made.log, taskId)).at(-1)?.types).toEqual([
    'step.completed',
    'step.scheduled',
    'step.scheduled',
    'step.started',
    'step.started',
  ])
})

test('a refusal that rests on a commit on its way is told only when that commit is durable (E2)', async () => {
  const { made, faults } = await stage()
  const taskId = await made.submitted(submissionOf(1))
  const passing = gate()
  faults.append = async () => {
    await passing.passed
    return { type: 'delivered' }
  }
  const answers: unknown[] = []
  const note = (answer: unknown) => answers.push(answer)
  const cancelling = Promise.all([made.cancel(taskId).then(note), made.cancel(taskId).then(note)])
  await settled()
  expect(answers).toEqual([])
  passing.open()
  await cancelling
  expect(answers).toMatchObject([{ type: 'done' }, { type: 'refused' }])
})

test('a commit that the log refuses drops the task from memory; what was ready and what was out goes on from the log (E3)', async () => {
  const { made, faults } = await stage()
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  worker.complete(worker.command('a'))
  await settled()
  faults.append = refuse('poison')
  worker.complete(worker.command('b'), { poison: 1 })
  await settled()
  expect(worker.acks.at(-1)).toMatchObject({ step: 'b', status: 'refused', reason: 'RESULT_NOT_STORABLE' })
  worker.complete(worker.command('c'))
  await settled()
  expect(worker.acks.at(-1)).toMatchObject({ step: 'c', status: 'recorded' })
  expect(made.engine.workers()).toMatchObject([{ busy: 1 }])
  // b times out, is tried again, and the task comes to its end.
  await made.clock.advance(6_000)
  await worker.workOff()
  expect((await made.types(taskId)).at(-1)).toBe('task.completed')
  expect(made.engine.workers()).toMatchObject([{ busy: 0 }])
  expect(verifyChain(await commitsOf(made.log, taskId))).toMatchObject({ type: 'intact' })
})

test('a result that was decided on a commit the log then refused is decided again, and acknowledged for what it is', async () => {
  const { made, faults } = await stage()
  const worker = made.worker()
  await made.submitted(submissionOf(1))
  worker.complete(worker.command('a'))
  await settled()
  const passing = gate()
  faults.append = async (rows) => {
    await passing.passed
    return refuse('poison')(rows)
  }
  worker.complete(worker.command('b'), { poison: 1 })
  worker.complete(worker.command('c'), { fine: 1 })
  worker.complete(worker.command('c'), { fine: 1 })
  await settled()
  passing.open()
  await settled()
  const acks = worker.acks.filter(({ step }) => step === 'c')
  expect(acks.map(({ status }) => status)).toEqual(['recorded', 'duplicate'])
})

test('a task that cannot be read when its commit was refused is taken up again as soon as it can', async () => {
  const { made, faults } = await stage()
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  faults.append = refuse('poison')
  let reads = 0
  faults.read = () => (reads++ === 0 ? Promise.reject(new Error('away')) : undefined)
  worker.complete(worker.command('a'), { poison: 1 })
  await settled()
  // Its worker is gone for good: only the lease that was given back can bring the attempt to an end.
  worker.session.disconnected()
  await made.clock.advance(20_000)
  expect(await made.types(taskId)).toContain('step.retry_scheduled')
  const next = made.worker()
  await settled()
  await next.workOff()
  expect((await made.types(taskId)).at(-1)).toBe('task.completed')
})

test('no slot is lost or given twice when commits with starts are refused again and again', async () => {
  const { made, faults } = await stage()
  const workers = [made.worker({ slots: 2 }), made.worker({ slots: 2 })]
  faults.append = refuse('poison')
  for (let n = 0; n < 6; n++) {
    made.submit(submissionOf(n, { context: n % 2 === 0 ? jsonOf({ poison: 1 }) : jsonOf({ n }) }))
    await settled()
    for (const worker of workers) {
      const [command] = worker.open
      if (command !== undefined) worker.complete(command, n % 3 === 0 ? { poison: 1 } : {})
    }
    await settled()
    for (const { busy, slots } of made.engine.workers()) expect(busy >= 0 && busy <= slots).toBe(true)
  }
  faults.up()
  for (let n = 0; n < 10; n++) {
    await made.clock.advance(2_000)
    for (const worker of workers) await worker.workOff()
    for (const worker of workers) worker.session.heard()
  }
  expect(made.engine.workers().map(({ busy }) => busy)).toEqual([0, 0])
})

test('a step that waits with a higher priority goes before the next step of the task that frees the slot', async () => {
  const { made } = await stage([{ name: 'a' }, { name: 'b', after: ['a'] }])
  const worker = made.worker({ slots: 1 })
  const first = await made.submitted(submissionOf(1))
  const urgent = await made.submitted(submissionOf(2, { priority: 10 }))
  const command = worker.command('a')
  expect(command.taskId).toBe(first)
  worker.complete(command)
  await settled()
  expect(worker.commands.at(-1)?.taskId).toBe(urgent)
})

test('a step that has waited long goes before the next step of the task that frees the slot; one that just came does not', async () => {
  const { made } = await stage([
    { name: 'a', timeoutS: 600 },
    { name: 'b', after: ['a'], timeoutS: 600 },
  ])
  const worker = made.worker({ slots: 1 })
  const first = await made.submitted(submissionOf(1))
  const second = await made.submitted(submissionOf(2))
  worker.complete(worker.command('a'))
  await settled()
  expect(worker.commands.at(-1)).toMatchObject({ taskId: first, step: 'b' })
  await made.clock.advance(2_000)
  const third = await made.submitted(submissionOf(3))
  worker.complete(worker.command('b'))
  await settled()
  expect(worker.commands.at(-1)).toMatchObject({ taskId: second, step: 'a' })
  expect(third).not.toBe(second)
})

test('events of one task never go back in time, whatever the wall clock does', async () => {
  const { made } = await stage()
  const worker = made.worker()
  const taskId = await made.submitted(submissionOf(1))
  made.clock.jumpWall(-3_600_000)
  worker.complete(worker.command('a'))
  await settled()
  made.clock.jumpWall(7_200_000)
  await worker.workOff()
  const at = (await commitsOf(made.log, taskId)).map((commit) => commit.at)
  expect(at).toEqual(at.toSorted((a, b) => a - b))
})
