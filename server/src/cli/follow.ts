/** Follows a task's events live until it rests, over broken streams and restarts of the server. */
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../faults.js'
import { type EventAnswer, eventAnswer, taskAnswer } from './answers.js'
import { faultOf } from './exit.js'
import { type HttpClient, transportFault } from './http-client.js'
import { sseMessages } from './sse.js'
import { isAtRest, restAfter } from './task-status.js'

/** Tries in a row without one event between them. */
const RECONNECTS_MAX = 30
const RECONNECT_PAUSE_MS = 500

export interface FollowOptions {
  /** Events above this version; 0, the default, for all. */
  readonly afterVersion?: number
  readonly signal?: AbortSignal
  /** Told when the stream broke and is opened again. */
  readonly onReconnect?: (fault: Fault) => void
}

/** Yields each event once, in order, and ends with the task or when only a person can help it on. Returns the status it rests in. */
export async function* followTask(
  http: HttpClient,
  taskId: string,
  options: FollowOptions = {},
): AsyncGenerator<EventAnswer, string> {
  let version = options.afterVersion ?? 0
  let everConnected = false
  for (let failures = 0; ; ) {
    try {
      for await (const event of streamOnce(http, taskId, version, options.signal)) {
        everConnected = true
        if (event.version <= version) continue
        failures = 0
        version = event.version
        yield event
        const status = await statusOfRest(http, taskId, event)
        if (status !== undefined) return status
      }
      const ended = await statusOfEnded(http, taskId, version)
      if (ended !== undefined) return ended
    } catch (thrown) {
      const fault = faultOf(thrown)
      if (!everConnected || fault.code !== 'UNAVAILABLE' || failures >= RECONNECTS_MAX || options.signal?.aborted) throw fault
      options.onReconnect?.(fault)
    }
    failures++
    if (failures > RECONNECTS_MAX) throw endedTooOften(taskId)
    await pause(RECONNECT_PAUSE_MS, undefined, options.signal && { signal: options.signal })
  }
}

/** A block may have been lifted since, by events still to come. */
const statusOfRest = async (http: HttpClient, taskId: string, event: EventAnswer): Promise<string | undefined> => {
  const status = restAfter(event.type)
  if (event.type !== 'task.blocked') return status
  const task = await http.json({ method: 'GET', path: `/v1/tasks/${encodeURIComponent(taskId)}` }, taskAnswer)
  return isAtRest(task.status) && task.status === status ? status : undefined
}

/** The server ends a stream when it stops, and also when nothing will come any more. */
const statusOfEnded = async (http: HttpClient, taskId: string, version: number): Promise<string | undefined> => {
  const task = await http.json({ method: 'GET', path: `/v1/tasks/${encodeURIComponent(taskId)}` }, taskAnswer)
  return isAtRest(task.status) && (task.stream_version ?? version) <= version ? task.status : undefined
}

async function* streamOnce(
  http: HttpClient,
  taskId: string,
  afterVersion: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<EventAnswer> {
  const response = await http.open({
    method: 'GET',
    path: `/v1/tasks/${encodeURIComponent(taskId)}/events`,
    headers: { accept: 'text/event-stream', ...(afterVersion > 0 && { 'last-event-id': String(afterVersion) }) },
    ...(signal && { signal }),
  })
  try {
    for await (const message of sseMessages(textChunks(response))) {
      const read = eventAnswer.safeParse(jsonIn(message.data))
      if (read.success) yield read.data
    }
  } catch (thrown) {
    throw transportFault(thrown, http.baseUrl)
  } finally {
    await response.body?.cancel().catch(() => undefined)
  }
}

async function* textChunks(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  if (response.body === null) return
  const body: AsyncIterable<Uint8Array> = response.body
  for await (const bytes of body) yield decoder.decode(bytes, { stream: true })
}

const jsonIn = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const endedTooOften = (taskId: string): Fault =>
  new Fault({
    code: 'UNAVAILABLE',
    reason: 'ANSWER_LOST',
    message: `the stream of task ${taskId} ended ${RECONNECTS_MAX} times before the task did`,
    hint: `look at it with: tasker task get ${taskId}`,
  })
