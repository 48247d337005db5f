/**
 * A server in memory for one task that runs a durable function: it keeps the journal by the rules W20 to W25, and what was asked for happens in an order
 * that dice say.
 */
import {
  AckStatus,
  JournalPause,
  type ConnectRequest,
  type JournalEntry,
  type JournalNews,
  type JournalProposal,
  type JournalRecord,
  type StepResult,
} from '@tasker/proto'
import { Worker, type FunctionDefinition, type WorkerOptions } from '@tasker/sdk'
import { command, payload, scriptedServer, WELCOME, type ScriptedServer } from '../scripted-server.js'
import { virtualClock, turn, type VirtualClock } from '../virtual-clock.js'
import { silent } from '../worker/started-worker.js'

type Fact = NonNullable<JournalEntry['fact']>
type Said = Omit<JournalEntry, 'atMs'>

export const BEGAN_AT = Date.UTC(2026, 0, 1)
const TASK = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
const QUIET_TURNS = 12

export class JournalServer {
  /** Of this life, values and all. */
  facts: JournalEntry[] = []
  life = 1
  attempt = 0
  /** Every record, in order, each once. */
  readonly records: JournalRecord[] = []
  readonly wanted: number[] = []
  result: StepResult | undefined
  pause: JournalPause | undefined
  readonly pending = new Map<string, () => Said>()
  worker: Worker | undefined
  wire: ScriptedServer = scriptedServer()
  clock: VirtualClock = virtualClock()
  /** Entries of a command; what is above comes as news. */
  entriesOfCommand = 1_000
  /** What the next records are refused with. */
  readonly refusals: string[] = []
  /** Whether they may be taken later. */
  refusesForNow = false
  #definition: FunctionDefinition
  #options: Partial<WorkerOptions>
  #input: unknown
  #beganAtMs = BEGAN_AT
  #isOut = false
  #kept = 0
  #read = 0
  #answered = 0
  #signals = 0
  #now = BEGAN_AT

  constructor(definition: FunctionDefinition, options: Partial<WorkerOptions> = {}, input: unknown = {}) {
    this.#definition = definition
    this.#options = options
    this.#input = input
  }

  /** Another worker process; the one before is gone without a word. */
  async newWorker(options: Partial<WorkerOptions> = this.#options): Promise<void> {
    this.wire = scriptedServer()
    this.clock = virtualClock()
    this.#read = 0
    this.#isOut = false
    this.#kept = 0
    const [url, namespace, signals, transport, clock] = ['', 'shop', false, this.wire, this.clock] as const
    this.worker = new Worker({ url, namespace, signals, logger: silent, transport, clock, tasks: [this.#definition], ...options })
    this.worker.run().catch(() => undefined)
    await turn()
    this.wire.worker().send({ welcome: { ...WELCOME, resultBytesMax: 100_000 } })
  }

  /** The stream breaks and comes back; what was under way on it is lost. */
  async reconnect(): Promise<void> {
    this.#readAll(false)
    this.wire.worker().break()
    this.clock.advance(5_000)
    this.#read = 0
    const running = this.wire.worker().received[0]?.hello?.running ?? []
    const isKnown = ({ attempt }: { attempt: number }): boolean => this.#isOut && attempt === this.attempt
    const forgotten = running.filter((ref) => !isKnown(ref))
    this.wire.worker().send({ welcome: { ...WELCOME, resultBytesMax: 100_000, forgotten } })
    if (running.some(isKnown))
      this.#send({ from: 0, entries: this.facts, input: payload(this.#input), beganAtMs: this.#beganAtMs })
    else if (this.#isOut) this.#isOut = false
  }

  get isOut(): boolean {
    return this.#isOut
  }

  get isOver(): boolean {
    return this.result !== undefined || this.pause === JournalPause.JOURNAL_PAUSE_DIVERGED
  }

  signal(name: string, value: unknown): void {
    this.pending.set(`signal ${name}`, () => ({ ...NO_ENTRY, fact: this.#signalled(name, value) }))
  }

  cancel(reason = ''): void {
    this.pending.set('cancel', () => ({ ...NO_ENTRY, fact: { $case: 'cancelRequested', value: { reason } } }))
  }

  #signalled(name: string, value: unknown): Fact {
    return { $case: 'signal', value: { number: ++this.#signals, name, payload: payload(value) } }
  }

  /** Gives a run to the worker. */
  start(): void {
    this.attempt++
    this.#isOut = true
    this.#answered = 0
    const from = this.#kept
    const entries = this.facts.slice(from, from + this.entriesOfCommand)
    const length = this.facts.length
    const input = from > 0 ? undefined : payload(this.#input)
    const run = { life: this.life, input, beganAtMs: this.#beganAtMs, from, length, entries }
    const { name, version } = this.#definition
    const handler = `${name}@${version}/run`
    this.wire
      .worker()
      .send({ commands: [command(handler, { ref: this.#ref(), input: undefined, timeoutMs: 3_600_000, function: run })] })
    if (from + entries.length < length)
      this.#send({ from: from + entries.length, entries: this.facts.slice(from + entries.length) })
  }

  /** Something happens outside: the worker hears it, or is woken. */
  happen(key: string): void {
    const happening = this.pending.get(key)
    this.pending.delete(key)
    if (happening === undefined) throw new Error(`${key} cannot happen; there is ${[...this.pending.keys()].join(', ')}`)
    const from = this.facts.length
    this.#add(happening())
    if (this.#isOut) this.#send({ from, entries: this.facts.slice(from) })
    else this.start()
  }

  /** Answers until the worker has nothing to say for a while. */
  async rest(): Promise<void> {
    const quiet = QUIET_TURNS + 3 * this.facts.length
    for (let turns = 0; turns < quiet; turns++) {
      await turn()
      if (this.#readAll(true)) turns = 0
    }
  }

  #readAll(answers: boolean): boolean {
    const { received } = this.wire.worker()
    const messages = received.slice(this.#read)
    this.#read = received.length
    for (const message of messages) this.#hear(message, answers)
    return messages.length > 0
  }

  #hear({ results, records, journalsWanted }: ConnectRequest, answers: boolean): void {
    for (const result of results) {
      if (result.ref?.attempt === this.attempt && this.#isOut) {
        this.result ??= result
        this.#isOut = false
      }
      const status = AckStatus.ACK_STATUS_RECORDED
      if (answers) this.wire.worker().send({ acks: [{ ref: result.ref, status, reason: '', message: '', checkpoint: 0 }] })
    }
    for (const record of records) this.#record(record, answers)
    for (const { ref } of journalsWanted) {
      this.wanted.push(ref?.attempt ?? 0)
      this.#send({ from: 0, entries: this.facts, input: payload(this.#input), beganAtMs: this.#beganAtMs })
    }
  }

  #record(record: JournalRecord, answers: boolean): void {
    const { number, proposals, ending } = record
    const isCurrent = record.ref?.attempt === this.attempt && this.#isOut
    if (!isCurrent) return
    if (number <= this.#answered) return this.#answer({ recorded: number }, answers)
    if (number !== this.#answered + 1) throw new Error(`record ${number} came after ${this.#answered}`)
    this.#answered = number
    this.records.push(record)
    const reason = this.refusals.shift()
    if (reason !== undefined) {
      const refused = {
        code: 'INVALID_INPUT',
        reason,
        message: 'no',
        hint: '',
        retryable: this.refusesForNow,
        errors: [],
        context: {},
        docsUrl: '',
      }
      return this.#answer({ recorded: number, refused }, answers)
    }
    const from = this.facts.length
    for (const proposal of proposals) this.#propose(proposal)
    const entries = this.facts.slice(from).map(asProposed)
    switch (ending?.$case) {
      case undefined:
        return this.#answer({ recorded: number, from, entries }, answers)
      case 'suspend': {
        const isSuspended = ending.value.seen === from
        if (isSuspended) {
          this.#isOut = false
          this.#kept = ending.value.keeps ? this.facts.length : 0
        }
        const pause = isSuspended ? JournalPause.JOURNAL_PAUSE_SUSPENDED : JournalPause.JOURNAL_PAUSE_UNSPECIFIED
        return this.#answer({ recorded: number, from, entries, pause }, answers)
      }
      case 'diverged':
        this.#isOut = false
        this.pause = JournalPause.JOURNAL_PAUSE_DIVERGED
        return this.#answer({ recorded: number, from, entries, pause: this.pause }, answers)
      case 'continued': {
        const { input, unread, seen } = ending.value
        const isKept = ({ fact }: JournalEntry, index: number): boolean =>
          fact?.$case === 'signal' && (unread.includes(fact.value.number) || index >= seen)
        this.facts = this.facts.filter(isKept)
        for (const key of this.pending.keys()) if (!/^(signal |cancel$)/.test(key)) this.pending.delete(key)
        this.life++
        this.#input = JSON.parse(input?.data.toString() ?? 'null')
        this.#beganAtMs = ++this.#now
        return this.#answer({ recorded: number, from: 0, entries: this.facts, input, beganAtMs: this.#beganAtMs }, answers)
      }
    }
  }

  /** An answer that is lost is sent again when the record comes again. */
  #answer(news: Partial<JournalNews>, answers: boolean): void {
    if (answers) this.#send(news)
  }

  #send(news: Partial<JournalNews>): void {
    const none = {
      recorded: 0,
      refused: undefined,
      pause: JournalPause.JOURNAL_PAUSE_UNSPECIFIED,
      input: undefined,
      beganAtMs: 0,
    }
    const from = this.facts.length
    this.wire.worker().send({ news: [{ ref: this.#ref(), life: this.life, from, entries: [], ...none, ...news }] })
  }

  #ref() {
    return { taskId: TASK, stepId: 'run', attempt: this.attempt }
  }

  #add(said: Said): void {
    this.facts.push({ ...said, atMs: ++this.#now })
  }

  #isKnown(key: string, ...cases: Fact['$case'][]): boolean {
    return this.facts.some((entry) => entry.key === key && entry.fact !== undefined && cases.includes(entry.fact.$case))
  }

  #propose({ key, proposal }: JournalProposal): void {
    const entry = (fact: Fact): Said => ({ key, fact, asProposed: false })
    switch (proposal?.$case) {
      case 'step':
        if (!this.#isKnown(key, 'step')) this.#add(entry({ $case: 'step', value: { outcome: proposal.value } }))
        return
      case 'timer':
        if (this.#isKnown(key, 'timerStarted')) return
        this.#add(entry({ $case: 'timerStarted', value: proposal.value }))
        this.pending.set(key, () => entry({ $case: 'timerFired', value: proposal.value }))
        return
      case 'cancel': {
        const started = this.facts.find((fact) => fact.key === key && fact.fact?.$case === 'timerStarted')?.fact
        if (this.pending.delete(key) && started?.$case === 'timerStarted')
          this.#add(entry({ ...started, $case: 'timerCancelled' }))
        return
      }
      case 'patch':
        if (!this.#isKnown(key, 'patch')) this.#add(entry({ $case: 'patch', value: {} }))
        return
      case 'state':
        return this.#add(entry({ $case: 'state', value: proposal.value }))
      case 'send':
        if (!this.#isKnown(key, 'send'))
          this.pending.set(key, () => entry({ $case: 'send', value: { outcome: did(`sent ${key}`) } }))
        return
      case 'call':
        if (this.#isKnown(key, 'callStarted')) return
        this.#add(entry({ $case: 'callStarted', value: proposal.value.handler }))
        this.pending.set(key, () => entry({ $case: 'callEnded', value: did(`called ${key}`) }))
        return
      case 'child':
        if (this.#isKnown(key, 'childStarted')) return
        this.#add(entry({ $case: 'childStarted', value: proposal.value.name }))
        this.pending.set(key, () => entry({ $case: 'childEnded', value: did(`child ${key}`) }))
        return
      case 'answer':
        return this.#add(entry({ $case: 'updateAnswered', value: proposal.value }))
      case undefined:
        throw new Error('a proposal of no kind')
    }
  }
}

const NO_ENTRY: Said = { key: '', fact: undefined, asProposed: false }

const did = (value: string) => ({ outcome: { $case: 'succeeded' as const, value: payload(value) } })

/** What the worker knows is left out. */
const asProposed = (entry: JournalEntry): JournalEntry => {
  switch (entry.fact?.$case) {
    case 'step':
      return { ...entry, asProposed: true, fact: { $case: 'step', value: { outcome: undefined } } }
    case 'state':
      return { ...entry, asProposed: true, fact: { $case: 'state', value: { encoding: '', data: Buffer.alloc(0) } } }
    default:
      return { ...entry, asProposed: true }
  }
}

/** Lives a function to its end: what can happen does, in the order of the dice. `trouble` comes after each happening. */
export const live = async (
  server: JournalServer,
  draw: (below: number) => number,
  trouble: (server: JournalServer) => Promise<void> = async () => undefined,
): Promise<JournalServer> => {
  await server.newWorker()
  server.start()
  await server.rest()
  for (let happened = 0; happened < HAPPENINGS_MAX && !server.isOver; happened++) {
    const keys = [...server.pending.keys()].sort()
    const key = keys[draw(keys.length)]
    if (key !== undefined) server.happen(key)
    else if (!server.isOut) server.start()
    await trouble(server)
    await server.rest()
  }
  return server
}

const HAPPENINGS_MAX = 500

/** What a function returned, or how else it ended. */
export const resultOf = ({ result }: JournalServer): unknown =>
  result?.outcome?.$case === 'success' ? JSON.parse(result.outcome.value.data.toString()) : result?.outcome
