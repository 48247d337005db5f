/** A worker of durable functions that speaks the protocol from its stubs alone, and does what a test says. */
import {
  type ConnectRequest,
  type ConnectResponse,
  type JournalCall,
  type JournalEntry,
  type JournalNews,
  type JournalProposal,
  type JournalRecord,
  type Payload,
  type ResultAck,
  type StepCommand,
  type StepResult,
} from '@tasker/proto'
import { until } from '../../support/until.js'
import { type Clients, connectWorker, type Heard, hello, request } from '../grpc/wire-client.js'

const PATIENCE_MS = 20_000

type Ending = NonNullable<JournalRecord['ending']>

export const payload = (value: unknown): Payload => ({ encoding: '', data: Buffer.from(JSON.stringify(value)) })

export const text = (one: Payload | undefined): string => Buffer.from(one?.data ?? []).toString('utf8')

export const ranWell = (key: string, value: unknown): JournalProposal => ({
  key,
  proposal: { $case: 'step', value: { outcome: { $case: 'succeeded', value: payload(value) } } },
})

/** A call of a handler, with nothing said. */
export const plainCall = (handler: string): JournalCall => ({
  handler,
  input: undefined,
  timeoutMs: 0,
  retry: undefined,
  heartbeatMs: 0,
  scheduleToStartMs: 0,
  scheduleToCloseMs: 0,
  priority: 0,
})

/** A fact in a word or two. */
export const inShort = ({ key, fact, asProposed }: JournalEntry): string =>
  [fact?.$case, ...(key === '' ? [] : [key]), ...(asProposed ? ['as proposed'] : [])].join(' ')

export class FunctionWorker {
  readonly workerId: string
  readonly #clients: Clients
  readonly #handlers: readonly string[]
  #stream: Heard<ConnectRequest, ConnectResponse> | undefined
  #records = 0

  constructor(clients: Clients, workerId: string, handlers: readonly string[]) {
    this.#clients = clients
    this.workerId = workerId
    this.#handlers = handlers
  }

  async connect(running: readonly StepCommand[] = []): Promise<void> {
    const stream = connectWorker(this.#clients)
    this.#stream = stream
    const refs = running.flatMap(({ ref }) => ref ?? [])
    stream.call.write(
      request({ hello: hello({ workerId: this.workerId, handlers: [...this.#handlers], running: refs, slots: 2 }) }),
    )
    await stream.until((messages) => messages.length > 0)
  }

  /** The stream breaks, as when a network does. */
  cut(): void {
    this.#stream?.call.cancel()
  }

  get messages(): readonly ConnectResponse[] {
    return this.#stream?.messages ?? []
  }

  get news(): readonly JournalNews[] {
    return this.messages.flatMap(({ news }) => news)
  }

  get commands(): readonly StepCommand[] {
    return this.messages.flatMap(({ commands }) => commands)
  }

  command(count: number): Promise<StepCommand> {
    return until(`command ${count} comes`, PATIENCE_MS, async () => this.commands[count - 1])
  }

  /** The news number so many, from 1. */
  told(count: number): Promise<JournalNews> {
    return until(`news ${count} come`, PATIENCE_MS, async () => this.news[count - 1])
  }

  ack(): Promise<ResultAck> {
    return until('an acknowledgement comes', PATIENCE_MS, async () => this.messages.flatMap(({ acks }) => acks)[0])
  }

  record({ ref, function: run }: StepCommand, proposals: JournalProposal[], ending?: Ending, number = ++this.#records): void {
    this.#stream?.call.write(request({ records: [{ ref, number, proposals, ending, life: run?.life ?? 0 }] }))
  }

  wanted({ ref }: StepCommand): void {
    this.#stream?.call.write(request({ journalsWanted: [{ ref }] }))
  }

  end({ ref }: StepCommand, outcome: StepResult['outcome']): void {
    this.#stream?.call.write(request({ results: [{ ref, outcome, metadata: undefined, events: [] }] }))
  }
}
