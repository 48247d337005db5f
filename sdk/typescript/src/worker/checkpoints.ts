/** The checkpoints of one attempt: numbered from 1, one on its way at a time, each kept until the server has answered (W16). */
import { AckStatus, type AttemptRef, type Payload, type ResultAck, type StepResult } from '@tasker/proto'
import { type CancelledError, PermanentError, RetryableError } from '../errors/handler-errors.js'
import type { SavedCursor } from '../step/context.js'
import { countOf, serialize } from '../step/json.js'
import { jsonPayload } from '../step/payload.js'

interface Waiting {
  readonly number: number
  readonly wire: StepResult
  readonly progress: SavedCursor
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Refusals that no other attempt would change. */
const FINAL_CODES: ReadonlySet<string> = new Set(['CHECKPOINT_TOO_LARGE', 'OUTCOME_NOT_EXPECTED'])

export class Checkpoints {
  /** What was saved last. */
  saved: SavedCursor | undefined = undefined
  readonly #ref: AttemptRef
  readonly #say: (checkpoint: StepResult) => void
  readonly #bytesMax: () => number
  readonly #queue: Waiting[] = []
  #number = 0
  #ended: CancelledError | undefined = undefined

  constructor(ref: AttemptRef, say: (checkpoint: StepResult) => void, bytesMax: () => number) {
    this.#ref = ref
    this.#say = say
    this.#bytesMax = bytesMax
  }

  /** The checkpoint that is on its way. */
  get sent(): StepResult | undefined {
    return this.#queue[0]?.wire
  }

  save(progress: SavedCursor): Promise<void> {
    const itemsProcessed = countOf(progress.itemsProcessed, 'itemsProcessed')
    // Refused before it has a number, so that the numbers on the wire have no gap.
    const payloads = payloadsOf(progress, this.#bytesMax())
    const number = ++this.#number
    const value = { number, ...payloads, itemsProcessed }
    const wire: StepResult = { ref: this.#ref, outcome: { $case: 'checkpoint', value }, metadata: undefined, events: [] }
    const saving = new Promise<void>((resolve, reject) => {
      this.#queue.push({ number, wire, progress, resolve, reject })
    })
    // A handler that does not wait for its checkpoint has nobody who would hear of its end.
    saving.catch(() => undefined)
    if (this.#queue.length === 1) this.#say(wire)
    return saving
  }

  answered({ checkpoint: number, status, reason, message }: ResultAck): 'saved' | 'not saved' {
    const [first] = this.#queue
    if (first?.number !== number) return 'not saved'
    this.#queue.shift()
    if (this.#ended === undefined && this.sent !== undefined) this.#say(this.sent)
    if (status === AckStatus.ACK_STATUS_RECORDED || status === AckStatus.ACK_STATUS_DUPLICATE) {
      this.saved = first.progress
      first.resolve()
      return 'saved'
    }
    const told = `the checkpoint was not saved: ${message === '' ? reason : message}`
    first.reject(new (FINAL_CODES.has(reason) ? PermanentError : RetryableError)(told, { code: reason }))
    return 'not saved'
  }

  /** The attempt ends: nothing more is said, and nobody waits any longer. One that is on its way may be saved all the same. */
  end(reason: CancelledError): void {
    this.#ended = reason
    const waiting = this.#queue.splice(1)
    for (const { reject } of [...this.#queue, ...waiting]) reject(reason)
  }
}

interface Payloads {
  readonly cursor: Payload
  readonly accumulated: Payload | undefined
}

const payloadsOf = ({ cursor, accumulated }: SavedCursor, bytesMax: number): Payloads => {
  const place = payloadOf(cursor, 'cursor')
  const gathered = accumulated === null ? undefined : payloadOf(accumulated, 'accumulated value')
  const bytes = place.data.length + (gathered?.data.length ?? 0)
  if (bytes > bytesMax) {
    throw new PermanentError(`a checkpoint of ${bytes} bytes is more than the ${bytesMax} that are sent`, {
      code: 'CHECKPOINT_TOO_LARGE',
    })
  }
  return { cursor: place, accumulated: gathered }
}

const payloadOf = (value: unknown, part: string): Payload => {
  const serialized = serialize(value)
  if (serialized.type === 'json') return jsonPayload(serialized.data)
  const { path, what } = serialized.problem
  const place = `the ${part} of a checkpoint${path === '' ? '' : ` at ${path}`}`
  throw new PermanentError(`${place} is ${what}, which JSON cannot hold`, { code: 'RESULT_NOT_SERIALIZABLE' })
}
