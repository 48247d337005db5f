/** What a worker has to say, gathered a turn and sent in one message. */
import type { ConnectRequest, ConnectResponse, StepHeartbeat, StepResult } from '@tasker/proto'
import type { Clock } from '../clock.js'
import { LIMITS } from '../limits.js'
import type { Link } from '../wire/link.js'
import { resultBytes } from './result.js'

export interface Outbox {
  /** Queues a result for the end of the turn. Results said while no stream is greeted are not kept here: `open` brings them. */
  add(result: StepResult): void
  /** The stream is greeted: sends these first, then what comes. */
  open(unacknowledged: StepResult[]): void
  /** The stream is lost. */
  close(): void
  /** Sends the heartbeats, or an empty message where one is due (W8). */
  beat(heartbeats: StepHeartbeat[], nowMs: number, intervalMs: number): void
  drain(): void
  /** The transport takes more. */
  flush(): void
}

export const createOutbox = (link: Link<ConnectRequest, ConnectResponse>, clock: Clock): Outbox => {
  let isOpen = false
  let pending: StepResult[] = []
  let scheduled = false
  let lastSentAtMs = 0

  const send = (message: ConnectRequest): void => {
    lastSentAtMs = clock.nowMs()
    link.write(message)
  }

  const flush = (): void => {
    scheduled = false
    while (isOpen && pending.length > 0 && link.writable()) {
      const count = fitting(pending)
      const results = count === pending.length ? pending : pending.slice(0, count)
      pending = count === pending.length ? [] : pending.slice(count)
      send({ hello: undefined, results, heartbeats: [], drain: undefined, records: [], journalsWanted: [] })
    }
  }

  return {
    add: (result) => {
      if (!isOpen) return
      pending.push(result)
      if (scheduled) return
      scheduled = true
      clock.endOfTurn(flush)
    },
    open: (unacknowledged) => {
      isOpen = true
      lastSentAtMs = clock.nowMs()
      pending = unacknowledged
      flush()
    },
    close: () => {
      isOpen = false
      pending = []
    },
    beat: (heartbeats, nowMs, intervalMs) => {
      if (!isOpen || !link.writable()) return
      if (heartbeats.length === 0 && nowMs - lastSentAtMs < intervalMs) return
      send({ hello: undefined, results: [], heartbeats, drain: undefined, records: [], journalsWanted: [] })
    },
    drain: () => {
      if (isOpen) send({ hello: undefined, results: [], heartbeats: [], drain: {}, records: [], journalsWanted: [] })
    },
    flush,
  }
}

/** How many results, at least one, fit in one message. */
const fitting = (results: readonly StepResult[]): number => {
  let bytes = 0
  let count = 0
  for (const result of results) {
    bytes += resultBytes(result)
    if (count > 0 && (bytes > LIMITS.messageBytesMax || count >= LIMITS.messageItemsMax)) break
    count += 1
  }
  return count
}
