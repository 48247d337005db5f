/** The client's stream: submissions gathered a turn into one message, answered by their ids, and sent again after a loss (C1 to C5). */
import type { SessionRequest, SessionResponse, SubmitRequest, SubmitResponse } from '@tasker/proto'
import type { Clock } from '../clock.js'
import { TaskerError, type TaskerErrorCode } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'
import type { Logger } from '../logger.js'
import { createLink } from '../wire/link.js'
import { errorOfDetail } from '../wire/problems.js'
import type { Transport } from '../wire/transport.js'
import { createFifo } from './fifo.js'
import { createWatches, type KnownOutcome, type Watch } from './watches.js'

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

export interface ClientSession {
  /** Resolves when the log holds the task (C2); rejects with the server's refusal (C5) or when no answer came in time. */
  submit(request: Omit<SubmitRequest, 'watchOutcome'>): Promise<Submitted>
  watch(taskId: string): Watch
  outcome(watch: Watch): Promise<KnownOutcome>
  close(): void
}

interface Entry {
  readonly request: SubmitRequest
  readonly expiresAtMs: number
  readonly resolve: (submitted: Submitted) => void
  readonly reject: (error: TaskerError) => void
}

/** All else may pass; a message that the server cannot read is refused by item, not by stream. */
const FINAL: ReadonlySet<TaskerErrorCode> = new Set<TaskerErrorCode>(['UNAUTHENTICATED', 'FORBIDDEN'])

export const createClientSession = (ports: ClientSessionPorts): ClientSession => {
  const { clock } = ports
  const waiting = createFifo<Entry>()
  const unanswered = new Map<string, Entry>()
  let again: Entry[] = []
  let watchesToSend: string[] = []
  let scheduled = false
  let over: TaskerError | undefined
  let stopExpiring: (() => void) | undefined

  const link = createLink<SessionRequest, SessionResponse>({
    open: ports.transport.openSession,
    clock,
    greetingMs: undefined,
    final: FINAL,
    onOpen: () => {
      again = [...unanswered.values()].reverse()
      watchesToSend = [...watches.reopen()]
      schedule()
    },
    onMessage: (message) => {
      link.greeted()
      for (const answer of message.submitted) answered(answer)
      for (const outcome of message.outcomes) watches.arrived(outcome)
      if (waiting.size() > 0) schedule()
    },
    onWritable: () => flush(),
    onLost: (error, waitMs) => {
      if (unanswered.size === 0) return
      ports.logger.warn('the stream to the server is lost and will be opened again', { error: error.message, waitMs })
    },
    onClosed: (error) => end(error ?? closedError()),
  })

  const watches = createWatches((taskId) => {
    watchesToSend.push(taskId)
    schedule()
  })

  const schedule = (): void => {
    link.start()
    if (scheduled) return
    scheduled = true
    clock.endOfTurn(flush)
  }

  const flush = (): void => {
    scheduled = false
    while (link.writable()) {
      const submissions = takeSubmissions()
      const watched = watchesToSend.splice(0, LIMITS.messageItemsMax)
      if (submissions.length === 0 && watched.length === 0) return
      link.write({ submissions, watches: watched })
    }
  }

  const takeSubmissions = (): SubmitRequest[] => {
    const taken: SubmitRequest[] = []
    let bytes = 0
    while (taken.length < LIMITS.messageItemsMax) {
      const entry = again.at(-1) ?? (unanswered.size < ports.inFlightMax ? waiting.first() : undefined)
      if (entry === undefined) break
      bytes += entry.request.context?.data.length ?? 0
      if (taken.length > 0 && bytes > LIMITS.messageBytesMax) break
      if (again.pop() === undefined) {
        waiting.shift()
        unanswered.set(entry.request.requestId, entry)
      }
      taken.push(entry.request)
    }
    return taken
  }

  const answered = (response: SubmitResponse): void => {
    const entry = unanswered.get(response.requestId)
    if (entry === undefined) return
    unanswered.delete(response.requestId)
    if (response.error !== undefined) return entry.reject(errorOfDetail(response.error))
    const watch = entry.request.watchOutcome ? watches.expect(response.taskId) : watches.of(response.taskId)
    entry.resolve({ response, watch })
  }

  const expire = (): void => {
    if (unanswered.size === 0 && waiting.size() === 0) {
      stopExpiring?.()
      stopExpiring = undefined
    }
    const nowMs = clock.nowMs()
    for (const [requestId, entry] of unanswered) {
      if (nowMs < entry.expiresAtMs) continue
      unanswered.delete(requestId)
      entry.reject(unansweredError(requestId, true))
    }
    for (let entry = waiting.first(); entry !== undefined && nowMs >= entry.expiresAtMs; entry = waiting.first()) {
      waiting.shift()
      entry.reject(unansweredError(entry.request.requestId, false))
    }
    again = again.filter((entry) => unanswered.has(entry.request.requestId))
  }

  const end = (error: TaskerError): void => {
    over = error
    stopExpiring?.()
    for (const entry of unanswered.values()) entry.reject(error)
    unanswered.clear()
    for (const entry of waiting.takeAll()) entry.reject(error)
    watches.fail(error)
  }

  return {
    submit: (request) =>
      new Promise((resolve, reject) => {
        if (over !== undefined) return reject(over)
        if (waiting.size() >= LIMITS.submissionsQueuedMax) return reject(queueFullError())
        const whole: SubmitRequest = { ...request, watchOutcome: watches.wantsOutcome() }
        waiting.push({ request: whole, expiresAtMs: clock.nowMs() + ports.submissionMsMax, resolve, reject })
        stopExpiring ??= clock.every(LIMITS.expirySweepMs, expire)
        schedule()
      }),
    watch: (taskId) => watches.of(taskId),
    outcome: (watch) => (over === undefined || watch.outcome !== undefined ? watches.ask(watch) : Promise.reject(over)),
    close: () => link.abort(),
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
