import type { EventDeclaration, GivenEvent, StepResult } from '@tasker/proto'
import { EventPublisher, type EventToPublish } from '@tasker/sdk'
import { type EventSource, withEvents } from '@tasker/sdk/internal/events/given-events'
import { expect, test } from 'vitest'
import { command, payload, ref } from '../scripted-server.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

const declared = (name: string, more: Partial<EventDeclaration> = {}): EventDeclaration => ({
  name,
  condition: 'success',
  deliveryMode: 'durable',
  publisher: '',
  ...more,
})

const success = (value: unknown): StepResult => ({
  ref: ref('charge'),
  outcome: { $case: 'success', value: payload(value) },
  metadata: undefined,
  events: [],
})

const failure: StepResult = {
  ref: ref('charge'),
  outcome: {
    $case: 'failure',
    value: { message: 'no', errorType: 'CardError', code: 'DECLINED', retryable: false, retryAfterMs: 0, stack: 'at home' },
  },
  metadata: undefined,
  events: [],
}

const source = (declarations: EventDeclaration[], more: Partial<EventSource> = {}): EventSource => ({
  command: command('charge', { eventDeclarations: declarations, input: payload({ order: 1 }) }),
  said: undefined,
  publishers: new Map(),
  logger: silent,
  ...more,
})

const read = (events: readonly GivenEvent[]) =>
  events.map(({ name, payload: body, metadata, withheld, problem }) => ({
    name,
    ...(body === undefined ? {} : { payload: JSON.parse(body.data.toString()) as unknown }),
    ...(metadata === undefined ? {} : { metadata: JSON.parse(metadata.data.toString()) as unknown }),
    ...(withheld ? { withheld } : {}),
    ...(problem === '' ? {} : { problem }),
  }))

const toldBy = async (result: StepResult, from: EventSource) => read((await withEvents(result, from)).events)

class Cards extends EventPublisher {
  readonly name = 'Cards'
  readonly heard: string[] = []

  override shouldPublish({ payload: body }: EventToPublish): boolean {
    return body !== 'nothing'
  }

  override transformPayload({ payload: body, outcome, input }: EventToPublish): unknown {
    if (body === 'broken') throw new Error('cannot be told')
    return { told: body, outcome: outcome.type, input }
  }

  override additionalMetadata() {
    return { by: 'Cards' }
  }

  override beforePublish(): void {
    this.heard.push('before')
  }

  override afterPublish(_event: EventToPublish, told: unknown): void {
    this.heard.push(`after ${JSON.stringify(told)}`)
  }

  override onPublishError(error: unknown): void {
    this.heard.push(`error ${String(error)}`)
    throw new Error('and this too')
  }
}

const shapedBy = (
  publisher: EventPublisher,
  more: Partial<EventDeclaration> = {},
  other: Partial<EventSource> = {},
): EventSource =>
  source([declared('card.charged', { publisher: publisher.name, ...more })], {
    publishers: new Map([[publisher.name, publisher]]),
    ...other,
  })

test('a result without a word on its events is sent as it is, at once', () => {
  const result = success(7)
  expect(withEvents(result, source([declared('card.charged')]))).toBe(result)
  expect(withEvents(result, source([]))).toBe(result)
})

test('what a handler gave takes the place of the result, with its metadata, where the condition speaks of it', async () => {
  const said = new Map([
    ['card.charged', { payload: { id: 8 }, metadata: { by: 'hand' } }],
    ['card.refused', { payload: 1, metadata: undefined }],
  ])
  const from = source([declared('card.charged'), declared('card.refused', { condition: 'failure' })], { said })
  expect(await toldBy(success(7), from)).toEqual([{ name: 'card.charged', payload: { id: 8 }, metadata: { by: 'hand' } }])
  expect(await toldBy(failure, from)).toEqual([{ name: 'card.refused', payload: 1 }])
})

test('a publisher shapes the payload, adds metadata, and is told before and after', async () => {
  const cards = new Cards()
  expect(await toldBy(success(7), shapedBy(cards))).toEqual([
    { name: 'card.charged', payload: { told: 7, outcome: 'success', input: { order: 1 } }, metadata: { by: 'Cards' } },
  ])
  expect(cards.heard).toEqual(['before', 'after {"told":7,"outcome":"success","input":{"order":1}}'])
})

test('a publisher sees a failure without its stack', async () => {
  const [event] = await toldBy(failure, shapedBy(new Cards(), { condition: 'always' }))
  expect(event?.payload).toMatchObject({
    told: { message: 'no', errorType: 'CardError', code: 'DECLINED', retryable: false },
    outcome: 'failure',
  })
})

test('a publisher may withhold, and one that fails makes a problem of the event and never of the step', async () => {
  expect(await toldBy(success('nothing'), shapedBy(new Cards()))).toEqual([{ name: 'card.charged', withheld: true }])
  const cards = new Cards()
  expect(await toldBy(success('broken'), shapedBy(cards))).toEqual([
    { name: 'card.charged', problem: 'the publisher Cards failed: cannot be told' },
  ])
  expect(cards.heard).toEqual(['before', 'error Error: cannot be told'])
})

test('a publisher that this worker lacks, and a payload that is no JSON, are problems of the event', async () => {
  expect(await toldBy(success(1), source([declared('a', { publisher: 'Nobody' })]))).toEqual([
    { name: 'a', problem: 'this worker has no publisher Nobody' },
  ])
  const said = new Map([['a', { payload: { deep: 1n }, metadata: undefined }]])
  const [event] = await toldBy(success(1), source([declared('a')], { said }))
  expect(event?.problem).toContain('/deep')
})

test('a publisher that overrides nothing tells the result', async () => {
  class Plain extends EventPublisher {
    readonly name = 'Plain'
  }
  expect(await toldBy(success({ id: 1 }), shapedBy(new Plain()))).toEqual([{ name: 'card.charged', payload: { id: 1 } }])
  class Broken extends EventPublisher {
    readonly name = 'Broken'
    override shouldPublish(): boolean {
      throw new Error('no')
    }
  }
  expect(await toldBy(success(1), shapedBy(new Broken()))).toEqual([
    { name: 'card.charged', problem: 'the publisher Broken failed: no' },
  ])
})
