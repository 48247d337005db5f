/** The live streams of the door: how many there may be, how each is written, and how all end when the server stops. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { TERMINAL_EVENTS, type TaskId } from '@tasker/core'
import type { FastifyReply } from 'fastify'
import type { FaultDetail } from '../../faults.js'
import type { RestDoor } from '../door.js'
import { REST_LIMITS } from '../limits.js'
import { placesFor } from '../places.js'
import { eventText } from '../views/event-text.js'
import { type EventFeed, openEventFeed } from './event-feed.js'
import { SSE_HEARTBEAT, sseFrame, sseRetry } from './sse.js'

export interface StreamRequest {
  readonly reply: FastifyReply
  readonly taskId: TaskId
  readonly afterVersion: number
  /** The task ended and the reader has its last event. */
  readonly over: boolean
}

export interface EventStreams {
  /** Answers with a live stream, or with 204 when nothing will come. Throws `TOO_MANY_STREAMS`. */
  open(request: StreamRequest): Promise<FastifyReply>
}

/** How often a quiet stream shows a sign of life, and how long a client may read nothing. */
export interface StreamTimes {
  readonly heartbeatMs: number
  readonly stallMsMax: number
}

export const STREAM_TIMES: StreamTimes = { heartbeatMs: REST_LIMITS.streamHeartbeatMs, stallMsMax: REST_LIMITS.streamStallMsMax }
const COME_BACK_MS = 1_000

export const eventStreams = (door: RestDoor, stopping: AbortSignal, times: StreamTimes): EventStreams => {
  const places = placesFor(REST_LIMITS.streamsMax, TOO_MANY_STREAMS)
  return {
    open: async ({ reply, taskId, afterVersion, over }) => {
      if (over) return reply.code(204).send()
      const leave = places.take()
      try {
        const feed = await openEventFeed(door.engine, taskId, afterVersion)
        reply.hijack()
        await writeAll(reply.raw, feed, taskId, stopping, times)
      } catch (error) {
        if (!reply.sent) throw error
        // The client comes back and goes on behind the last version it saw.
        door.logger.warn({ err: error, taskId }, 'a live stream broke')
        reply.raw.destroy()
      } finally {
        leave()
      }
      return reply
    },
  }
}

const writeAll = async (out: ServerResponse, feed: EventFeed, taskId: TaskId, stopping: AbortSignal, times: StreamTimes) => {
  const end = (): void => {
    feed.close()
  }
  out.once('close', end)
  stopping.addEventListener('abort', end, { once: true })
  try {
    out.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    out.write(sseRetry(COME_BACK_MS))
    let over = false
    while (!over && !out.closed && !stopping.aborted) {
      const events = await feed.next(times.heartbeatMs)
      const frames = events.map((event) => sseFrame(event.version, event.event.type, eventText(taskId, event)))
      over = events.some(({ event }) => TERMINAL_EVENTS.has(event.type))
      await written(out, events.length === 0 ? SSE_HEARTBEAT : frames.join(''), times.stallMsMax)
    }
    out.end()
  } finally {
    feed.close()
    stopping.removeEventListener('abort', end)
  }
}

/** Resolves when the client took the text; one that does not read for too long is cut off. */
const written = async (out: ServerResponse, text: string, stallMsMax: number): Promise<void> => {
  if (out.closed || out.write(text)) return
  const over = new AbortController()
  const timer = setTimeout(() => over.abort(new Error(`the client read nothing for ${stallMsMax} ms`)), stallMsMax)
  try {
    await Promise.race([once(out, 'drain', { signal: over.signal }), once(out, 'close', { signal: over.signal })])
  } finally {
    clearTimeout(timer)
    over.abort()
  }
}

const TOO_MANY_STREAMS: FaultDetail = {
  code: 'BACKPRESSURE',
  reason: 'TOO_MANY_STREAMS',
  message: `${REST_LIMITS.streamsMax} live streams are open, which is the limit.`,
  retryAfterMs: 5_000,
  hint: 'Read the history page by page, or wait with GET /v1/tasks/{id}/result.',
}
