/** What every transport of domain events must do, asked of each with real servers behind it. */
import { instant, type Partition, partitionNumber, trustedJson } from '@tasker/core'
import type { DomainMessage } from '@tasker/server/internal/publishers/message'
import type { EventTransport } from '@tasker/server/internal/publishers/transport'
import { beforeEach, describe, expect, test } from 'vitest'

export interface TransportHarness {
  readonly transport: EventTransport
  /** Another server's way to the same transport. */
  readonly other: EventTransport
  /** The envelopes that arrived in a namespace's queue so far, in order; they are gone from it afterwards. */
  received(namespace: string): Promise<readonly Envelope[]>
  close(): Promise<void>
}

export interface Envelope {
  readonly event_id: string
  readonly event_name: string
  readonly event_version: string
  readonly payload: unknown
  readonly metadata: { readonly [name: string]: unknown }
}

export const message = (n: number, more: Partial<DomainMessage> = {}): DomainMessage => ({
  eventId: `T${n}:1`,
  name: 'card.charged',
  namespace: 'shop',
  taskId: `T${n}`,
  stepId: 'charge',
  attempt: 1,
  outcome: 'success',
  delivery: 'durable',
  correlationId: 'c-1',
  template: 'order@1.0.0',
  at: instant(Date.UTC(2026, 0, 1)),
  payload: trustedJson(`{"n":${n}}`),
  metadata: undefined,
  ...more,
})

export const P0: Partition = partitionNumber(0)
export const P1: Partition = partitionNumber(1)

const ids = (envelopes: readonly Envelope[]): readonly string[] => envelopes.map((envelope) => envelope.event_id)

/** `missing` says what would let the tests run where they cannot. */
export const describeTransport = (
  name: string,
  open: () => Promise<TransportHarness>,
  missing: () => string | undefined = () => undefined,
): void => {
  describe(`domain events go to ${name}`, () => {
    let harness: TransportHarness
    beforeEach(async (context) => {
      const why = missing()
      if (why !== undefined) context.skip(why)
      harness = await open()
      return () => harness.close()
    })

    test('a batch arrives in order, in the queue of its namespace, and its checkpoints move', async () => {
      const { transport } = harness
      expect(await transport.checkpoints()).toEqual(new Map())
      const messages = [message(1), message(2, { namespace: 'Other Shop' }), message(3), message(4)]
      const moves = [
        { partition: P0, from: 0, to: 7 },
        { partition: P1, from: 0, to: 3 },
      ]
      expect(await transport.publish({ messages, moves })).toBe('published')
      expect(await transport.checkpoints()).toEqual(
        new Map([
          [P0, 7],
          [P1, 3],
        ]),
      )
      expect(ids(await harness.received('shop'))).toEqual(['T1:1', 'T3:1', 'T4:1'])
      expect(ids(await harness.received('Other Shop'))).toEqual(['T2:1'])
    })

    test('the envelope carries the payload and what is known of the event', async () => {
      const metadata = trustedJson('{"region":"eu"}')
      await harness.transport.publish({ messages: [message(1, { metadata })], moves: [{ partition: P0, from: 0, to: 1 }] })
      expect(await harness.received('shop')).toEqual([
        {
          event_id: 'T1:1',
          event_name: 'card.charged',
          event_version: '1.0',
          payload: { n: 1 },
          metadata: {
            task_id: 'T1',
            step_id: 'charge',
            attempt: 1,
            outcome: 'success',
            namespace: 'shop',
            correlation_id: 'c-1',
            fired_at: '2026-01-01T00:00:00.000Z',
            fired_by: 'order@1.0.0',
            region: 'eu',
          },
        },
      ])
    })

    test('a batch without messages moves its checkpoints alone', async () => {
      expect(await harness.transport.publish({ messages: [], moves: [{ partition: P0, from: 0, to: 5 }] })).toBe('published')
      expect(await harness.transport.checkpoints()).toEqual(new Map([[P0, 5]]))
    })

    test('a checkpoint that is not where the publisher believes moves nothing', async () => {
      const { transport, other } = harness
      await other.publish({ messages: [message(1)], moves: [{ partition: P0, from: 0, to: 4 }] })
      const late = {
        messages: [message(2)],
        moves: [
          { partition: P0, from: 0, to: 9 },
          { partition: P1, from: 0, to: 2 },
        ],
      }
      expect(await transport.publish(late)).toBe('moved')
      expect(await transport.checkpoints()).toEqual(new Map([[P0, 4]]))
      expect(await transport.publish({ messages: [message(3)], moves: [{ partition: P0, from: 4, to: 9 }] })).toBe('published')
    })

    test('values that only some systems can hold arrive, if need be in another spelling', async () => {
      const payloads = ['"\\u0000"', '{"\\ud800":1}', '[1e308,-0.5]', '"😀"', `"${'x'.repeat(300_000)}"`, 'null']
      const messages = payloads.map((payload, n) => message(n, { payload: trustedJson(payload) }))
      await harness.transport.publish({ messages, moves: [{ partition: P0, from: 0, to: 1 }] })
      const received = (await harness.received('shop')).map(({ payload }) => spelled(payload))
      expect(received).toEqual(payloads.map((payload) => JSON.parse(payload) as unknown))
    })

    test('names as long as names may be arrive', async () => {
      const long = 'ä'.repeat(255)
      const messages = [message(1, { name: long, namespace: long, stepId: long, correlationId: long, template: long })]
      await harness.transport.publish({ messages, moves: [{ partition: P0, from: 0, to: 1 }] })
      expect(await harness.received(long)).toMatchObject([{ event_name: long, metadata: { step_id: long, namespace: long } }])
    })
  })
}

/** A payload as it was, out of the spelling for systems that cannot hold it. */
const spelled = (payload: unknown): unknown =>
  typeof payload === 'object' && payload !== null && 'encoding' in payload && 'data' in payload
    ? (JSON.parse(Buffer.from(String(payload.data), 'base64').toString('utf8')) as unknown)
    : payload
