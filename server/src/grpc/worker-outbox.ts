/**
 * What waits to be sent to one worker. The engine adds many items and ends each burst with `flush`; a flush becomes one message, or a few when
 * it holds much. Commands are encoded only when the transport takes them, so a worker that reads slowly costs references, not copies; one that
 * does not read at all is given up at a named bound.
 *
 * O1  Items of one kind leave in the order they came (W13).
 * O2  A cancellation leaves in no earlier message than a command that was there before it.
 * O3  Nothing leaves before the welcome (W1).
 */
import type {
  ConnectResponse,
  ErrorDetail,
  ResultAck as WireAck,
  StepCancellation,
  StepCommand as WireCommand,
  WorkerWelcome,
} from '@tasker/proto'
import type { StepCommand } from '../engine/api.js'
import { fifo, type Fifo } from '../fifo.js'
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

interface Outbox {
  readonly deps: OutboxDeps
  readonly commands: Fifo<StepCommand>
  readonly acks: Fifo<WireAck>
  readonly cancellations: Fifo<StepCancellation>
  readonly problems: Fifo<ErrorDetail>
  /** `blocked` while the transport takes nothing. */
  phase: 'shut' | 'open' | 'blocked' | 'closed'
  /** Encoded, but the message before it was full. */
  held: WireCommand | undefined
}

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
    const commands = takeCommands(outbox)
    const commandsLeft = outbox.held !== undefined || outbox.commands.length > 0
    send(outbox, {
      welcome: undefined,
      commands,
      acks: outbox.acks.take(SMALL_ITEMS_MAX),
      cancellations: commandsLeft ? [] : outbox.cancellations.take(SMALL_ITEMS_MAX),
      news: [],
      problems: outbox.problems.take(SMALL_ITEMS_MAX),
    })
  }
}

const send = (outbox: Outbox, message: ConnectResponse): void => {
  if (!outbox.deps.write(message) && outbox.phase === 'open') outbox.phase = 'blocked'
}

/** The commands of one message: as many as its bytes allow, one at least. */
const takeCommands = (outbox: Outbox): WireCommand[] => {
  const batch: WireCommand[] = []
  let bytes = 0
  while (outbox.held !== undefined || outbox.commands.length > 0) {
    const command = outbox.held ?? encodeNext(outbox)
    outbox.held = undefined
    if (command === undefined) continue
    const size = commandBytes(command)
    if (batch.length > 0 && bytes + size > outbox.deps.messageBytesTarget) {
      outbox.held = command
      break
    }
    batch.push(command)
    bytes += size
  }
  return batch
}

const encodeNext = ({ commands, deps }: Outbox): WireCommand | undefined => {
  const command = commands.shift()
  if (command === undefined) return undefined
  const wire = wireCommand(command)
  const bytes = commandBytes(wire)
  if (bytes <= deps.messageBytesMax) return wire
  deps.unsendable(command, bytes)
  return undefined
}
