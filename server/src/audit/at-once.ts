/** Work of which only so much is done at a time: what comes beyond is turned away, and says when to come back. */
import { Fault } from '../faults.js'

/** Reads of a whole stretch of the log, or of a whole task, on the server's connections for reading. */
export const AUDITS_AT_ONCE_MAX = 2
const RETRY_AFTER_MS = 1_000

export class AtOnce {
  readonly #max: number
  #running = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Throws `AUDIT_BUSY` when as much as may run is running. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#max) throw new Fault(busy)
    this.#running++
    try {
      return await work()
    } finally {
      this.#running--
    }
  }
}

const busy = {
  code: 'BACKPRESSURE',
  reason: 'AUDIT_BUSY',
  message: 'The server is verifying or proving for others just now.',
  hint: 'Repeat in a second; an audit of the database itself does not ask the server.',
  retryable: true,
  retryAfterMs: RETRY_AFTER_MS,
} as const
