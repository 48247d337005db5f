/** What a worker has to say, gathered a turn and sent in one message. */
import type { AttemptRef, ConnectRequest, ConnectResponse, JournalRecord, StepHeartbeat, StepResult } from '@tasker/proto'
import type { Clock } from '../clock.js'
import { LIMITS } from '../limits.js'
import { proposalBytes } from '../runner/proposals.js'
import type { Link } from '../wire/link.js'
import { resultBytes } from './result.js'

export interface Outbox {
  /** Queues a result for the end of the turn. Results said while no stream is greeted are not kept here: `open` brings them. */
  add(result: StepResult): void
  /** The same for what functions hand in. */
  addRecord(record: JournalRecord): void
  /** Asks for a whole journal. */
  want(ref: AttemptRef): void
  /** The stream is greeted: sends these first, then what comes. */
  open(unacknowledged: Unacknowledged): void
  /** The stream is lost. */
  close(): void
  /** Sends the heartbeats, or an empty message where one is due (W8). */
  beat(heartbeats: StepHeartbeat[], nowMs: number, intervalMs: number): void
  drain(): void
  /** The transport takes more. */
  flush(): void
}

export interface Unacknowledged {
  readonly results: StepResult[]
  readonly records: JournalRecord[]
  readonly wanted: AttemptRef[]
}

const NOTHING: ConnectRequest = {
  hello: undefined,
  results: [],
  heartbeats: [],
  drain: undefined,
  records: [],
  journalsWanted: [],
}

export const createOutbox = (link: Link<ConnectRequest, ConnectResponse>, clock: Clock): Outbox => {
  let isOpen = false
  let pending: StepResult[] = []
  let records: JournalRecord[] = []
  let wanted: AttemptRef[] = []
  let scheduled = false
  let lastSentAtMs = 0

  const send = (message: ConnectRequest): void => {
    lastSentAtMs = clock.nowMs()
    link.write(message)
  }

  const flush = (): void => {
    scheduled = false
    while (isOpen && link.writable() && pending.length + records.length + wanted.length > 0) {
      const [results, laterResults] = split(pending, resultBytes)
      const [handedIn, laterRecords] = split(records, recordBytes)
      const journalsWanted = wanted.map((ref) => ({ ref }))
      pending = laterResults
      records = laterRecords
      wanted = []
      send({ ...NOTHING, results, records: handedIn, journalsWanted })
    }
  }

  /** Sends at the end of the turn, with whatever else there is by then. */
  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    clock.endOfTurn(flush)
  }

  return {
    add: (result) => {
      if (!isOpen) return
      pending.push(result)
      schedule()
    },
    addRecord: (record) => {
      if (!isOpen) return
      records.push(record)
      schedule()
    },
    want: (ref) => {
      if (!isOpen) return
      wanted.push(ref)
      schedule()
    },
    open: (unacknowledged) => {
      isOpen = true
      lastSentAtMs = clock.nowMs()
      pending = unacknowledged.results
      records = unacknowledged.records
      wanted = unacknowledged.wanted
      flush()
    },
    close: () => {
      isOpen = false
      pending = []
      records = []
      wanted = []
    },
    beat: (heartbeats, nowMs, intervalMs) => {
      if (!isOpen || !link.writable()) return
      if (heartbeats.length === 0 && nowMs - lastSentAtMs < intervalMs) return
      send({ ...NOTHING, heartbeats })
    },
    drain: () => {
      if (isOpen) send({ ...NOTHING, drain: {} })
    },
    flush,
  }
}

/** As many as fit in one message, at least one where there is any; and the others. */
const split = <Item>(items: Item[], bytesOf: (item: Item) => number): [Item[], Item[]] => {
  let bytes = 0
  let count = 0
  for (const item of items) {
    bytes += bytesOf(item)
    if (count > 0 && (bytes > LIMITS.messageBytesMax || count >= LIMITS.messageItemsMax)) break
    count += 1
  }
  return count === items.length ? [items, []] : [items.slice(0, count), items.slice(count)]
}

const recordBytes = ({ proposals }: JournalRecord): number =>
  proposals.reduce((sum, proposal) => sum + proposalBytes(proposal), RECORD_BYTES_BASE)

/** Ids, numbers and framing. */
const RECORD_BYTES_BASE = 128
