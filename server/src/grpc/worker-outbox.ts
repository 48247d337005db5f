/**
 * What waits to be sent to one worker. The engine adds many items and ends each burst with `flush`; a flush becomes one message, or a few when
 * it holds much. Commands are encoded only when the transport takes them, so a worker that reads slowly costs references, not copies; one that
 * does not read at all is given up at a named bound.
 *
 * O1  Items of one kind leave in the order they came (W13).
 * O2  A cancellation leaves in no earlier message than a command that was there before it.
 * O3  Nothing leaves before the welcome (W1).
 * O4  Commands and news of journals keep one order: a message has the news that came before its commands (W13).
 */
import type {
  ConnectResponse,
  ErrorDetail,
  JournalNews as WireNews,
  ResultAck as WireAck,
  StepCancellation,
  StepCommand as WireCommand,
  WorkerWelcome,
} from '@tasker/proto'
import type { JournalNews, StepCommand } from '../engine/api.js'
import { fifo, type Fifo } from '../fifo.js'
import { entriesBytes, wireNews } from './journal-message.js'
import { commandBytes, wireCommand } from './step-command.js'

export interface OutboxDeps {
  /** Gives one message to the transport; false when it wants no more until `drained`. */
  readonly write: (message: ConnectResponse) => boolean
  /** More than `itemsMax` items wait; called once, after the outbox has closed itself. */
  readonly overflowed: () => void
  /** A command that no message can hold; it is not sent. */
  readonly unsendable: (command: StepCommand, bytes: number) => void
  readonly itemsMax: number
  readonly messageBytesTarget: number
  readonly messageBytesMax: number
}

export interface WorkerOutbox {
  /** Sends the welcome, and then what came before it. */
  open(welcome: WorkerWelcome): void
  command(command: StepCommand): void
  news(news: JournalNews): void
  ack(ack: WireAck): void
  cancel(cancellation: StepCancellation): void
  problem(problem: ErrorDetail): void
  flush(): void
  /** The transport takes messages again. */
  drained(): void
  /** Forgets what waits; nothing is sent any more. */
  close(): void
}

/** Acknowledgements, cancellations and problems in one message, each; commands are bounded by their bytes. */
const SMALL_ITEMS_MAX = 4_096

/** Bytes of news beside what they tell. */
const NEWS_BYTES_BASE = 128

interface Outbox {
  readonly deps: OutboxDeps
  /** O4 */
  readonly commands: Fifo<StepCommand | JournalNews>
  readonly acks: Fifo<WireAck>
  readonly cancellations: Fifo<StepCancellation>
  readonly problems: Fifo<ErrorDetail>
  /** `blocked` while the transport takes nothing. */
  phase: 'shut' | 'open' | 'blocked' | 'closed'
  /** Encoded, but the message before it was full. */
  held: Encoded | undefined
}

/** A command, or news. */
type Encoded =
  | { readonly type: 'command'; readonly wire: WireCommand; readonly bytes: number }
  | { readonly type: 'news'; readonly wire: WireNews; readonly bytes: number }

export const workerOutbox = (deps: OutboxDeps): WorkerOutbox => {
  const outbox: Outbox = {
    deps,
    commands: fifo(),
    acks: fifo(),
    cancellations: fifo(),
    problems: fifo(),
    phase: 'shut',
    held: undefined,
  }
  return {
    open: (welcome) => open(outbox, welcome),
    command: (command) => add(outbox, outbox.commands, command),
    news: (news) => add(outbox, outbox.commands, news),
    ack: (ack) => add(outbox, outbox.acks, ack),
    cancel: (cancellation) => add(outbox, outbox.cancellations, cancellation),
    problem: (problem) => add(outbox, outbox.problems, problem),
    flush: () => flush(outbox),
    drained: () => {
      if (outbox.phase !== 'blocked') return
      outbox.phase = 'open'
      flush(outbox)
    },
    close: () => close(outbox),
  }
}

const open = (outbox: Outbox, welcome: WorkerWelcome): void => {
  if (outbox.phase !== 'shut') return
  outbox.phase = 'open'
  send(outbox, { welcome, commands: [], acks: [], cancellations: [], problems: [], news: [] })
  flush(outbox)
}

const add = <Item>(outbox: Outbox, queue: Fifo<Item>, item: Item): void => {
  if (outbox.phase === 'closed') return
  queue.push(item)
  if (waiting(outbox) <= outbox.deps.itemsMax) return
  close(outbox)
  outbox.deps.overflowed()
}

const waiting = ({ commands, acks, cancellations, problems, held }: Outbox): number =>
  commands.length + acks.length + cancellations.length + problems.length + (held === undefined ? 0 : 1)

const close = (outbox: Outbox): void => {
  outbox.phase = 'closed'
  outbox.held = undefined
  outbox.commands.clear()
  outbox.acks.clear()
  outbox.cancellations.clear()
  outbox.problems.clear()
}

const flush = (outbox: Outbox): void => {
  while (outbox.phase === 'open' && waiting(outbox) > 0) {
    const { commands, news } = takeCommands(outbox)
    const commandsLeft = outbox.held !== undefined || outbox.commands.length > 0
    send(outbox, {
      welcome: undefined,
      commands,
      news,
      acks: outbox.acks.take(SMALL_ITEMS_MAX),
      cancellations: commandsLeft ? [] : outbox.cancellations.take(SMALL_ITEMS_MAX),
      problems: outbox.problems.take(SMALL_ITEMS_MAX),
    })
  }
}

const send = (outbox: Outbox, message: ConnectResponse): void => {
  if (!outbox.deps.write(message) && outbox.phase === 'open') outbox.phase = 'blocked'
}

interface Taken {
  readonly commands: WireCommand[]
  readonly news: WireNews[]
}

/** The commands of one message and the news before them: as many as its bytes allow, one at least. */
const takeCommands = (outbox: Outbox): Taken => {
  const taken: Taken = { commands: [], news: [] }
  let bytes = 0
  while (outbox.held !== undefined || outbox.commands.length > 0) {
    const next = outbox.held ?? encodeNext(outbox)
    outbox.held = undefined
    if (next === undefined) continue
    const later = next.type === 'news' && taken.commands.length > 0
    if (later || (bytes > 0 && bytes + next.bytes > outbox.deps.messageBytesTarget)) {
      outbox.held = next
      break
    }
    if (next.type === 'news') taken.news.push(next.wire)
    else taken.commands.push(next.wire)
    bytes += next.bytes
  }
  return taken
}

const encodeNext = ({ commands, deps }: Outbox): Encoded | undefined => {
  const item = commands.shift()
  if (item === undefined) return undefined
  if ('links' in item) {
    const wire = wireNews(item)
    return { type: 'news', wire, bytes: NEWS_BYTES_BASE + (wire.input?.data.length ?? 0) + entriesBytes(wire.entries) }
  }
  const wire = wireCommand(item)
  const bytes = commandBytes(wire)
  if (bytes <= deps.messageBytesMax) return { type: 'command', wire, bytes }
  deps.unsendable(item, bytes)
  return undefined
}
