/**
 * What waits to be sent to one client's session. Answers gather until the engine's burst is over and leave as one message, or a few when they
 * hold much; outcomes are encoded only when the transport takes them.
 */
import type { SessionResponse, SubmitResponse, TaskOutcome as WireOutcome } from '@tasker/proto'
import { LIMITS } from '@tasker/core'
import { fifo, type Fifo } from '../fifo.js'
import { outcomeChars, outcomeTooLarge, wireOutcome, type WaitEnd } from './task-message.js'

export interface SessionOutboxDeps {
  /** Gives one message to the transport; false when it wants no more until `drained`. */
  readonly write: (message: SessionResponse) => boolean
  /** More than `bytesMax` bytes of outcomes wait; called once, after the outbox has closed itself. */
  readonly overflowed: () => void
  /** All that waited was given to the transport. */
  readonly emptied: () => void
  readonly bytesMax: number
  readonly messageBytesTarget: number
}

export interface SessionOutbox {
  /** Whether the transport has taken everything so far. */
  readonly flowing: boolean
  readonly empty: boolean
  submitted(answer: SubmitResponse): void
  outcome(taskId: string, end: WaitEnd): void
  /** The transport takes messages again. */
  drained(): void
  close(): void
}

/** Answers to submissions in one message. */
const ANSWERS_MAX = 4_096

interface WaitingOutcome {
  readonly taskId: string
  readonly end: WaitEnd
}

interface Outbox {
  readonly deps: SessionOutboxDeps
  readonly answers: Fifo<SubmitResponse>
  readonly outcomes: Fifo<WaitingOutcome>
  outcomeChars: number
  /** `blocked` while the transport takes nothing. */
  phase: 'open' | 'blocked' | 'closed'
  flushDue: boolean
}

export const sessionOutbox = (deps: SessionOutboxDeps): SessionOutbox => {
  const outbox: Outbox = { deps, answers: fifo(), outcomes: fifo(), outcomeChars: 0, phase: 'open', flushDue: false }
  return {
    get flowing() {
      return outbox.phase === 'open'
    },
    get empty() {
      return outbox.answers.length + outbox.outcomes.length === 0
    },
    submitted: (answer) => {
      if (outbox.phase === 'closed') return
      outbox.answers.push(answer)
      flushSoon(outbox)
    },
    outcome: (taskId, end) => addOutcome(outbox, { taskId, end }),
    drained: () => {
      if (outbox.phase !== 'blocked') return
      outbox.phase = 'open'
      flush(outbox)
    },
    close: () => close(outbox),
  }
}

const addOutcome = (outbox: Outbox, outcome: WaitingOutcome): void => {
  if (outbox.phase === 'closed') return
  outbox.outcomes.push(outcome)
  outbox.outcomeChars += outcomeChars(outcome.end)
  if (outbox.outcomeChars <= outbox.deps.bytesMax) return flushSoon(outbox)
  close(outbox)
  outbox.deps.overflowed()
}

const close = (outbox: Outbox): void => {
  outbox.phase = 'closed'
  outbox.answers.clear()
  outbox.outcomes.clear()
}

/** One group commit answers many submissions in one turn: the next tick is the first moment at which all of them are there. */
const flushSoon = (outbox: Outbox): void => {
  if (outbox.flushDue) return
  outbox.flushDue = true
  process.nextTick(() => {
    outbox.flushDue = false
    flush(outbox)
  })
}

const flush = (outbox: Outbox): void => {
  while (outbox.phase === 'open' && outbox.answers.length + outbox.outcomes.length > 0) {
    const message = { submitted: outbox.answers.take(ANSWERS_MAX), outcomes: takeOutcomes(outbox) }
    if (!outbox.deps.write(message)) block(outbox)
  }
  if (outbox.phase !== 'closed' && outbox.answers.length + outbox.outcomes.length === 0) outbox.deps.emptied()
}

const block = (outbox: Outbox): void => {
  if (outbox.phase === 'open') outbox.phase = 'blocked'
}

/** The outcomes of one message: as many as its bytes allow, one at least. */
const takeOutcomes = (outbox: Outbox): WireOutcome[] => {
  const batch: WireOutcome[] = []
  let chars = 0
  while (chars < outbox.deps.messageBytesTarget) {
    const next = outbox.outcomes.shift()
    if (next === undefined) break
    const size = outcomeChars(next.end)
    outbox.outcomeChars -= size
    chars += size
    batch.push(sendable(wireOutcome(next.taskId, next.end)))
  }
  return batch
}

const sendable = (wire: WireOutcome): WireOutcome =>
  wire.outcome?.$case === 'completed' && wire.outcome.value.data.length > LIMITS.grpcMessageBytesMax - LIMITS.nameCharsMax
    ? wireOutcome(wire.taskId, outcomeTooLarge(LIMITS.grpcMessageBytesMax))
    : wire
