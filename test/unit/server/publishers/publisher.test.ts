import { jsonOf, partitionNumber, type TaskId } from '@tasker/core'
import type { DomainMessage, GivenEvent } from '@tasker/server/internal/engine/api'
import { memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { Publisher } from '@tasker/server/internal/publishers/publisher'
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { expect, test } from 'vitest'
import { PARTITIONS, type ScriptedWorker, startTestEngine, submissionOf, type TestEngine } from '../../../support/engine.js'
import { type Fate, recordingTransport, type RecordingTransport } from '../../../support/recording-transport.js'
import { VirtualClock } from '../../../support/virtual-clock.js'
import { draft, P0, rowsFrom, task } from '../../../integration/log/drafts.js'

const TEMPLATE = JSON.stringify({
  name: 'order',
  namespace_name: 'shop',
  version: '1.0.0',
  steps: [
    {
      name: 'charge',
      handler: { callable: 'work' },
      retry: { max_attempts: 2, backoff: 'linear', backoff_base_ms: 100 },
      publishes_events: [
        { name: 'card.charged', schema: { type: 'object', required: ['id'] } },
        { name: 'card.tried', condition: 'retryable_failure' },
        { name: 'card.lost', condition: 'failure', schema: { type: 'object', required: ['id'] } },
        { name: 'card.seen', delivery_mode: 'fast' },
        { name: 'card.loud', delivery_mode: 'broadcast' },
      ],
    },
  ],
})

interface World {
  readonly on: TestEngine
  readonly transport: RecordingTransport
  readonly live: DomainMessage[]
  /** What the publisher said of its transport. */
  readonly said: string[]
  readonly unreadable: string[]
}

const world = async (
  options: Partial<Parameters<typeof startTestEngine>[0]> & { readonly transport?: RecordingTransport } = {},
): Promise<World> => {
  const { transport = recordingTransport(), ...rest } = options
  const said: string[] = []
  const unreadable: string[] = []
  const on = await startTestEngine({
    ...rest,
    publishing: {
      transport,
      available: (available, message) => said.push(available ? 'back' : message),
      unreadable: (stream) => unreadable.push(stream),
    },
  })
  const live: DomainMessage[] = []
  on.engine.domainEvents.listen((message) => live.push(message) > 0)
  return { on, transport, live, said, unreadable }
}

const registered = async (options: Parameters<typeof world>[0] = {}): Promise<World> => {
  const made = await world(options)
  const answer = await made.on.soon(made.on.engine.register(TEMPLATE, { replace: false, actor: 'tester' }))
  if (answer.type === 'failed') throw new Error(JSON.stringify(answer.fault))
  return made
}

const namesOf = (messages: readonly DomainMessage[], taskId?: TaskId): readonly string[] =>
  messages.filter((message) => taskId === undefined || message.taskId === taskId).map(({ name }) => name)

const run = async (on: TestEngine, worker: ScriptedWorker, n: number, output: object = { id: n }): Promise<TaskId> => {
  const taskId = await on.submitted(submissionOf(n))
  worker.complete(worker.command('charge'), output as never)
  await on.clock.advance(10)
  return taskId
}

test('a result is with the transport and with those who listen, each event where its delivery says', async () => {
  const { on, transport, live } = await registered()
  const taskId = await run(on, on.worker(), 1)
  expect(namesOf(transport.arrived)).toEqual(['card.charged', 'card.loud'])
  expect(namesOf(live)).toEqual(['card.loud', 'card.seen'])
  expect(transport.arrived[0]).toMatchObject({ taskId, payload: '{"id":1}', namespace: 'shop', delivery: 'durable' })
  expect(transport.arrived[1]?.eventId).toBe(live[0]?.eventId)
  expect(on.engine.health().domainEvents).toEqual({ lagMs: 0, problem: undefined })
})

test('a payload that its schema refuses is in the log with the failing places, and goes nowhere', async () => {
  const { on, transport } = await registered()
  const taskId = await run(on, on.worker(), 1, { no: 'id' })
  expect(namesOf(transport.arrived)).toEqual(['card.loud'])
  const history = await on.soon(on.engine.history(taskId, 0, 100))
  const refused = history.flatMap(({ event }) =>
    event.type === 'domain_event.recorded' && event.problems !== undefined
      ? [{ name: event.name, problems: event.problems }]
      : [],
  )
  expect(refused).toEqual([{ name: 'card.charged', problems: [expect.objectContaining({ code: 'MISSING_FIELD', path: '/id' })] }])
})

test('what a worker gives for an event takes the place of the result, and what it withholds is not told', async () => {
  const { on, transport, live } = await registered()
  const worker = on.worker()
  await on.submitted(submissionOf(1))
  const given = (name: string, more: Partial<GivenEvent>): GivenEvent => ({
    name,
    payload: undefined,
    metadata: undefined,
    withheld: false,
    problems: [],
    ...more,
  })
  worker.result(worker.command('charge'), { type: 'completed', output: jsonOf(7) }, [
    given('card.charged', { payload: jsonOf({ id: 8 }), metadata: jsonOf({ by: 'hand' }) }),
    given('card.loud', { withheld: true }),
    given('nobody.declared.it', { payload: jsonOf(1) }),
  ])
  await on.clock.advance(10)
  expect(transport.arrived).toMatchObject([{ name: 'card.charged', payload: '{"id":8}', metadata: '{"by":"hand"}' }])
  expect(namesOf(live)).toEqual(['card.seen'])
})

test('each attempt that is retried is told, then the end; a failure told as it is need not fit the schema of results', async () => {
  const { on, transport } = await registered()
  const worker = on.worker()
  await on.submitted(submissionOf(1))
  worker.fail(worker.command('charge'))
  await on.clock.advance(1_000)
  worker.fail(worker.command('charge'))
  await on.clock.advance(10)
  expect(transport.arrived.map(({ name, attempt, outcome }) => [name, attempt, outcome])).toEqual([
    ['card.tried', 1, 'retryable_failure'],
    ['card.lost', 2, 'permanent_failure'],
  ])
})

test('a transport that is away loses nothing: events wait in the log, in order, and the lag says for how long', async () => {
  let fate: Fate = 'away'
  const { on, transport, said } = await registered({ transport: recordingTransport(() => fate) })
  const worker = on.worker()
  const tasks: TaskId[] = []
  for (let n = 0; n < 20; n++) tasks.push(await run(on, worker, n))
  await on.clock.advance(60_000)
  expect(on.engine.health().domainEvents.lagMs).toBeGreaterThan(59_000)
  expect(on.engine.health().domainEvents.problem).toContain('away')
  fate = 'works'
  await on.clock.advance(10_000)
  expect(on.engine.health().domainEvents).toEqual({ lagMs: 0, problem: undefined })
  for (const taskId of tasks) expect(namesOf(transport.arrived, taskId)).toEqual(['card.charged', 'card.loud'])
  expect(transport.arrived.length).toBe(40)
  expect(said.at(-1)).toBe('back')
})

test.each(['lost before', 'lost after'] as const)(
  'a batch whose answer is %s is told all the same, and not twice where the transport counts',
  async (fate) => {
    let fates: Fate[] = []
    const { on, transport } = await registered({
      transport: recordingTransport((call) => (call === 'publish' ? (fates.shift() ?? 'works') : 'works')),
    })
    fates = [fate]
    await run(on, on.worker(), 1)
    await on.clock.advance(10_000)
    expect(namesOf(transport.arrived)).toEqual(['card.charged', 'card.loud'])
  },
)

test('a server that starts publishes what the one before it left, from the checkpoints of the transport', async () => {
  const log = memoryLog({ partitionCount: PARTITIONS })
  const store = memoryStore()
  const clock = new VirtualClock()
  const first = await registered({ log, store, clock, transport: recordingTransport(() => 'away') })
  const taskId = await run(first.on, first.on.worker(), 1)
  expect(first.transport.arrived).toEqual([])
  const stopping = first.on.engine.stop()
  await clock.advance(1_000)
  await stopping
  const second = await world({ log, store, clock })
  await clock.advance(10)
  expect(namesOf(second.transport.arrived, taskId)).toEqual(['card.charged', 'card.loud'])
  const third = await world({ log, store, clock, transport: second.transport })
  await clock.advance(10_000)
  expect(third.transport.arrived.length).toBe(2)
})

test('checkpoints that another server moved are taken over, and nothing is sent twice', async () => {
  const { on, transport } = await registered()
  const worker = on.worker()
  await run(on, worker, 1)
  const before = transport.arrived.length
  const ends = await Promise.all([0, 1].map((partition) => on.soon(on.engine.domainEvents.end(partition))))
  ends.forEach((seq, partition) => transport.move(partitionNumber(partition), seq + 10))
  await run(on, worker, 2)
  await on.clock.advance(10_000)
  expect(transport.arrived.length).toBe(before)
})

test('who follows the log meets every recorded event behind its place, again whenever it comes back', async () => {
  const { on } = await registered()
  const worker = on.worker()
  const news: number[] = []
  on.engine.domainEvents.onNews((partition) => news.push(partition))
  for (let n = 0; n < 5; n++) await run(on, worker, n)
  expect(news.length).toBe(5)
  for (let times = 0; times < 2; times++) {
    const pages = await Promise.all([0, 1].map((partition) => on.soon(on.engine.domainEvents.read(partition, 0))))
    expect(pages.flatMap((page) => namesOf(page?.messages ?? []))).toEqual(
      Array.from({ length: 5 }, () => ['card.charged', 'card.loud']).flat(),
    )
  }
})

test('a listener that cannot take an event is passed over', async () => {
  const { on, transport } = await registered()
  on.engine.domainEvents.listen(() => false)
  await run(on, on.worker(), 1)
  expect(transport.arrived.length).toBe(2)
})

test('a commit whose events cannot be read is passed over, told of, and holds up none behind it', async () => {
  const log = memoryLog({ partitionCount: 1 })
  const types = ['step.completed', 'domain_event.recorded']
  const event =
    '{"name":"a","step":"s","attempt":1,"outcome":"success","delivery":"durable","correlationId":"c","template":"t@1"}'
  const broken = draft({ stream: task('broken'), types, text: '[]' })
  const whole = draft({ stream: task('whole'), types, text: `[{"step":"s","attempt":1,"output":7},${event}]` })
  await log.append(rowsFrom(1, broken, whole))
  const transport = recordingTransport()
  const clock = new VirtualClock()
  const unreadable: string[] = []
  const published: number[] = []
  const publisher = new Publisher(log, transport, clock, {
    published: (messages) => published.push(messages),
    failed: () => undefined,
    recovered: () => undefined,
    unreadable: ({ stream }) => unreadable.push(stream.id),
  })
  publisher.startFrom(P0)
  await clock.advance(10)
  expect(transport.arrived.map(({ payload }) => payload)).toEqual(['7'])
  expect([unreadable, published, publisher.lagMs(clock.now()), publisher.problem]).toEqual([['broken'], [1], 0, undefined])
  await publisher.stop()
  publisher.committed(P0, 3, clock.now())
  await clock.advance(10)
  expect(published).toEqual([1])
})
