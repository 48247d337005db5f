/** The order and the bounds of what a worker is sent (O1 to O4). */
import { AckStatus, type ConnectResponse, type WorkerWelcome } from '@tasker/proto'
import { parseTaskId, stepId, type TaskId, trustedJson } from '@tasker/core'
import type { JournalNews, StepCommand } from '@tasker/server/internal/engine/api'
import { workerOutbox, type OutboxDeps } from '@tasker/server/internal/grpc/worker-outbox'
import { describe, expect, test } from 'vitest'
import { complete, plan, start, step, submit, taskAfter } from '../../../support/given.js'

const TASK_ID = '01JGZZZZZZ0000000000000001'
const taskId = (): TaskId => {
  const id = parseTaskId(TASK_ID)
  if (id === undefined) throw new Error('the test has a bad task id')
  return id
}
const welcome: WorkerWelcome = {
  serverId: 's',
  heartbeatIntervalMs: 1,
  graceMs: 1,
  silenceMs: 1,
  resultBytesMax: 1,
  forgotten: [],
}
const ref = (attempt: number) => ({ taskId: TASK_ID, stepId: 'a', attempt })
const ack = (attempt: number) => ({
  ref: ref(attempt),
  status: AckStatus.ACK_STATUS_RECORDED,
  reason: '',
  message: '',
  checkpoint: 0,
})

const task = taskAfter(
  plan(step('a'), step('b', { after: ['a'] })),
  submit(),
  start('a'),
  complete('a', JSON.stringify('x'.repeat(1_000))),
  start('b'),
)
const command = (attempt: number): StepCommand => ({
  taskId: taskId(),
  step: stepId('b'),
  attempt,
  task,
  stepIndex: 1,
  deadlineAt: task.updatedAt,
})

const outboxWith = (more: Partial<OutboxDeps> = {}) => {
  const sent: ConnectResponse[] = []
  const said: string[] = []
  const transport = { flows: true }
  const outbox = workerOutbox({
    write: (message) => {
      sent.push(message)
      return transport.flows
    },
    overflowed: () => said.push('overflowed'),
    unsendable: (_, bytes) => said.push(`unsendable ${bytes > 1_000}`),
    itemsMax: 100,
    messageBytesTarget: 1_000_000,
    messageBytesMax: 1_000_000,
    ...more,
  })
  return { outbox, sent, said, transport }
}

const attemptsIn = (messages: readonly ConnectResponse[]) =>
  messages.map(({ commands }) => commands.map(({ ref: of }) => of?.attempt))

test('nothing leaves before the welcome, and what waited follows it (O3)', () => {
  const { outbox, sent } = outboxWith()
  outbox.ack(ack(1))
  outbox.flush()
  expect(sent).toEqual([])
  outbox.open(welcome)
  expect(sent.map((message) => [message.welcome?.serverId, message.acks.length])).toEqual([
    ['s', 0],
    [undefined, 1],
  ])
})

test('a flush is one message, and a flush of nothing is none', () => {
  const { outbox, sent } = outboxWith()
  outbox.open(welcome)
  for (const attempt of [1, 2, 3]) outbox.command(command(attempt))
  outbox.ack(ack(1))
  outbox.flush()
  outbox.flush()
  expect(sent).toHaveLength(2)
  expect(attemptsIn(sent.slice(1))).toEqual([[1, 2, 3]])
})

test('commands that fill a message go on in the next, in order, and a cancellation leaves behind them (O1, O2)', () => {
  const { outbox, sent } = outboxWith({ messageBytesTarget: 3_000 })
  outbox.open(welcome)
  outbox.cancel({ ref: ref(5) })
  for (const attempt of [1, 2, 3, 4, 5]) outbox.command(command(attempt))
  outbox.flush()
  expect(attemptsIn(sent.slice(1))).toEqual([[1, 2], [3, 4], [5]])
  expect(sent.map(({ cancellations }) => cancellations.length)).toEqual([0, 0, 0, 1])
})

describe('a transport that is full', () => {
  test('is given nothing until it drains, and then all that waited as one message', () => {
    const { outbox, sent, transport } = outboxWith()
    transport.flows = false
    outbox.open(welcome)
    outbox.command(command(1))
    outbox.flush()
    outbox.command(command(2))
    outbox.flush()
    expect(sent).toHaveLength(1)
    transport.flows = true
    outbox.drained()
    expect(attemptsIn(sent.slice(1))).toEqual([[1, 2]])
  })

  test('ends the stream once, at the bound, and forgets what waited', () => {
    const { outbox, sent, said, transport } = outboxWith({ itemsMax: 2 })
    transport.flows = false
    outbox.open(welcome)
    for (const attempt of [1, 2]) outbox.ack(ack(attempt))
    expect(said).toEqual([])
    for (const attempt of [3, 4, 5, 6]) outbox.ack(ack(attempt))
    expect(said).toEqual(['overflowed'])
    outbox.drained()
    outbox.flush()
    expect(sent).toHaveLength(1)
  })
})

test('a command that no message can hold is given back, and the others are sent', () => {
  const { outbox, sent, said } = outboxWith({ messageBytesMax: 1_000 })
  outbox.open(welcome)
  outbox.command(command(1))
  outbox.ack(ack(1))
  outbox.flush()
  expect(said).toEqual(['unsendable true'])
  expect(sent[1]).toMatchObject({ commands: [], acks: [{ ref: ref(1) }] })
})

test('a closed outbox takes and sends nothing', () => {
  const { outbox, sent } = outboxWith()
  outbox.close()
  outbox.command(command(1))
  outbox.open(welcome)
  outbox.flush()
  expect(sent).toEqual([])
})

const news = (attempt: number, input = ''): JournalNews => ({
  taskId: taskId(),
  step: stepId('run'),
  attempt,
  life: 1,
  from: 0,
  links: [],
  asProposed: false,
  recorded: 0,
  refused: undefined,
  pause: undefined,
  began: input === '' ? undefined : { input: trustedJson(input), at: task.updatedAt },
})

/** Of each message the attempts of its news and of its commands. */
const inOrder = (messages: readonly ConnectResponse[]) =>
  messages.map((message) => [message.news.map(({ ref: of }) => of?.attempt), message.commands.map(({ ref: of }) => of?.attempt)])

test('commands and news keep one order: news that follow a command leave after it (O4)', () => {
  const { outbox, sent } = outboxWith()
  outbox.open(welcome)
  outbox.news(news(1))
  outbox.news(news(2))
  outbox.command(command(3))
  outbox.command(command(4))
  outbox.news(news(4))
  outbox.command(command(5))
  outbox.ack(ack(9))
  outbox.flush()
  expect(inOrder(sent.slice(1))).toEqual([
    [
      [1, 2],
      [3, 4],
    ],
    [[4], [5]],
  ])
  expect(sent[1]?.acks).toHaveLength(1)
})

test('news of many bytes fill more than one message', () => {
  const { outbox, sent } = outboxWith({ messageBytesTarget: 1_000 })
  outbox.open(welcome)
  for (const attempt of [1, 2, 3]) outbox.news(news(attempt, JSON.stringify('x'.repeat(600))))
  outbox.flush()
  expect(inOrder(sent.slice(1))).toEqual([
    [[1], []],
    [[2], []],
    [[3], []],
  ])
})
