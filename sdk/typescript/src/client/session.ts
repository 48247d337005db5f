/** The client's stream: submissions gathered a turn into one message, answered by their ids, and sent again after a loss (C1 to C5). */
import type { SessionRequest, SessionResponse, SubmitRequest, SubmitResponse } from '@tasker/proto'
import type { Clock } from '../clock.js'
import { TaskerError, type TaskerErrorCode } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'
import type { Logger } from '../logger.js'
import { Link } from '../wire/link.js'
import { errorOfDetail } from '../wire/problems.js'
import type { Transport } from '../wire/transport.js'
import { createFifo } from './fifo.js'
import { createWatches, type KnownOutcome, type Watch, type Watches } from './watches.js'

export interface ClientSessionPorts {
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  readonly inFlightMax: number
  readonly submissionMsMax: number
}

export interface Submitted {
  readonly response: SubmitResponse
  readonly watch: Watch
}

interface Entry {
  readonly request: SubmitRequest
  readonly expiresAtMs: number
  readonly resolve: (submitted: Submitted) => void
  readonly reject: (error: TaskerError) => void
}

/** All else may pass; a message that the server cannot read is refused by item, not by stream. */
const FINAL: ReadonlySet<TaskerErrorCode> = new Set<TaskerErrorCode>(['UNAUTHENTICATED', 'FORBIDDEN'])

export class ClientSession {
  readonly #ports: ClientSessionPorts
  readonly #link: Link<SessionRequest, SessionResponse>
  readonly #watches: Watches
  readonly #waiting = createFifo<Entry>()
  readonly #unanswered = new Map<string, Entry>()
  /** Sent on a stream that is lost, and to be sent again: the oldest is the last. */
  #again: Entry[] = []
  #watchesToSend: string[] = []
  #scheduled = false
  #over: TaskerError | undefined
  #stopExpiring: (() => void) | undefined
  readonly #flushAtEnd = (): void => this.#flush()

  constructor(ports: ClientSessionPorts) {
    this.#ports = ports
    this.#watches = createWatches((taskId) => {
      this.#watchesToSend.push(taskId)
      this.#schedule()
    })
    this.#link = new Link<SessionRequest, SessionResponse>({
      open: ports.transport.openSession,
      clock: ports.clock,
      greetingMs: undefined,
      final: FINAL,
      onOpen: () => this.#reopen(),
      onMessage: (message) => this.#hear(message),
      onWritable: () => this.#flush(),
      onLost: (error, waitMs) => {
        if (this.#unanswered.size === 0) return
        ports.logger.warn('the stream to the server is lost and will be opened again', { error: error.message, waitMs })
      },
      onClosed: (error) => this.#end(error ?? closedError()),
    })
  }

  /** Resolves when the log holds the task (C2); rejects with the server's refusal (C5) or when no answer came in time. */
  submit(request: Omit<SubmitRequest, 'watchOutcome'>): Promise<Submitted> {
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) return reject(this.#over)
      if (this.#waiting.size() >= LIMITS.submissionsQueuedMax) return reject(queueFullError())
      const { clock, submissionMsMax } = this.#ports
      const whole: SubmitRequest = { ...request, watchOutcome: this.#watches.wantsOutcome() }
      this.#waiting.push({ request: whole, expiresAtMs: clock.nowMs() + submissionMsMax, resolve, reject })
      this.#stopExpiring ??= clock.every(LIMITS.expirySweepMs, () => this.#expire())
      this.#schedule()
    })
  }

  watch(taskId: string): Watch {
    return this.#watches.of(taskId)
  }

  /** The task's outcome, now or when it comes. */
  outcome(watch: Watch): Promise<KnownOutcome> {
    if (this.#over !== undefined && watch.outcome === undefined) return Promise.reject(this.#over)
    return this.#watches.ask(watch)
  }

  close(): void {
    this.#link.abort()
  }

  #schedule(): void {
    this.#link.start()
    if (this.#scheduled) return
    this.#scheduled = true
    this.#ports.clock.endOfTurn(this.#flushAtEnd)
  }

  // C3, C4: what was not answered goes again with its id, and what is waited for is asked again.
  #reopen(): void {
    this.#again = [...this.#unanswered.values()].reverse()
    this.#watchesToSend = [...this.#watches.reopen()]
    if (this.#again.length > 0 || this.#watchesToSend.length > 0 || this.#waiting.size() > 0) this.#schedule()
  }

  #flush(): void {
    this.#scheduled = false
    while (this.#link.writable()) {
      const submissions = this.#takeSubmissions()
      const watches = this.#watchesToSend.splice(0, LIMITS.messageItemsMax)
      if (submissions.length === 0 && watches.length === 0) return
      this.#link.write({ submissions, watches })
    }
  }

  #takeSubmissions(): SubmitRequest[] {
    const taken: SubmitRequest[] = []
    let bytes = 0
    while (taken.length < LIMITS.messageItemsMax) {
      const entry = this.#next()
      if (entry === undefined) break
      bytes += entry.request.context?.data.length ?? 0
      if (taken.length > 0 && bytes > LIMITS.messageBytesMax) break
      if (this.#again.pop() === undefined) {
        this.#waiting.shift()
        this.#unanswered.set(entry.request.requestId, entry)
      }
      taken.push(entry.request)
    }
    return taken
  }

  #next(): Entry | undefined {
    const again = this.#again.at(-1)
    if (again !== undefined) return again
    return this.#unanswered.size < this.#ports.inFlightMax ? this.#waiting.first() : undefined
  }

  #hear(message: SessionResponse): void {
    this.#link.greeted()
    for (const answer of message.submitted) this.#answered(answer)
    for (const outcome of message.outcomes) this.#watches.arrived(outcome)
    if (this.#waiting.size() > 0) this.#schedule()
  }

  #answered(response: SubmitResponse): void {
    const entry = this.#unanswered.get(response.requestId)
    if (entry === undefined) return
    this.#unanswered.delete(response.requestId)
    if (response.error !== undefined) return entry.reject(errorOfDetail(response.error))
    const watches = this.#watches
    const watch = entry.request.watchOutcome ? watches.expect(response.taskId) : watches.of(response.taskId)
    entry.resolve({ response, watch })
  }

  #expire(): void {
    if (this.#unanswered.size === 0 && this.#waiting.size() === 0) {
      this.#stopExpiring?.()
      this.#stopExpiring = undefined
    }
    const nowMs = this.#ports.clock.nowMs()
    for (const [requestId, entry] of this.#unanswered) {
      if (nowMs < entry.expiresAtMs) continue
      this.#unanswered.delete(requestId)
      entry.reject(unansweredError(requestId, true))
    }
    for (let entry = this.#waiting.first(); entry !== undefined && nowMs >= entry.expiresAtMs; entry = this.#waiting.first()) {
      this.#waiting.shift()
      entry.reject(unansweredError(entry.request.requestId, false))
    }
    this.#again = this.#again.filter((entry) => this.#unanswered.has(entry.request.requestId))
  }

  #end(error: TaskerError): void {
    this.#over = error
    this.#stopExpiring?.()
    for (const entry of this.#unanswered.values()) entry.reject(error)
    this.#unanswered.clear()
    for (const entry of this.#waiting.takeAll()) entry.reject(error)
    this.#watches.fail(error)
  }
}

const closedError = (): TaskerError =>
  new TaskerError({ code: 'UNAVAILABLE', reason: 'CLIENT_CLOSED', message: 'the client was closed' })

const unansweredError = (requestId: string, wasSent: boolean): TaskerError =>
  new TaskerError({
    code: 'UNAVAILABLE',
    reason: 'NO_ANSWER',
    message: wasSent
      ? 'the server did not answer the submission in time; whether it was taken is not known'
      : 'the submission could not be sent in time; it was not taken',
    hint: 'submit it again with the same requestId or idempotencyKey: it will be one task',
    retryable: true,
    context: { request_id: requestId },
  })

const queueFullError = (): TaskerError =>
  new TaskerError({
    code: 'BACKPRESSURE',
    reason: 'CLIENT_QUEUE_FULL',
    message: `${LIMITS.submissionsQueuedMax} submissions wait for their turn already`,
    hint: 'await the submissions before making more',
    retryable: true,
  })
