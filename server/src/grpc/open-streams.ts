/** The calls that stay open: known, so that a stopping server can end each with a status instead of cutting it. */
import type { FaultDetail } from '../faults.js'

export interface OpenStream {
  /** Ends it with a status; does nothing when it is over. */
  end(fault: FaultDetail): void
}

export interface OpenStreams {
  /** Begins a stream and keeps it until it calls `ended`. Why nothing was begun, when the server stops or as many are open as may be. */
  serve(begin: (ended: () => void) => OpenStream): FaultDetail | undefined
  /** Ends all, and takes no more. */
  stop(): void
}

/** Clients come back after it, to this server or another. */
const STOPPING: FaultDetail = {
  code: 'UNAVAILABLE',
  reason: 'SERVER_STOPPING',
  message: 'the server is stopping',
  retryable: true,
}

export const openStreams = (streamsMax: number): OpenStreams => {
  const open = new Set<Kept>()
  let stopping = false
  return {
    serve: (begin) => {
      if (stopping) return STOPPING
      if (open.size >= streamsMax) return tooMany(streamsMax)
      const kept: Kept = { stream: undefined }
      // Before it begins: a stream may be over as soon as it began.
      open.add(kept)
      kept.stream = begin(() => open.delete(kept))
      return undefined
    },
    stop: () => {
      stopping = true
      for (const { stream } of [...open]) stream?.end(STOPPING)
    },
  }
}

const tooMany = (streamsMax: number): FaultDetail => ({
  code: 'BACKPRESSURE',
  reason: 'TOO_MANY_STREAMS',
  message: `${streamsMax} streams are open, which is the limit`,
  hint: 'one stream of a worker, and one of a client, is enough for a process',
  retryable: true,
  retryAfterMs: 5_000,
})

interface Kept {
  stream: OpenStream | undefined
}
