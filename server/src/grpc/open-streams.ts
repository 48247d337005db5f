/** The calls that stay open: known, so that a stopping server can end each with a status instead of cutting it. */
import type { FaultDetail } from '../faults.js'

export interface OpenStream {
  /** Ends it with a status; does nothing when it is over. */
  end(fault: FaultDetail): void
}

export interface OpenStreams {
  /** Begins a stream and keeps it until it calls `ended`; false, and nothing begun, once the server stops. */
  serve(begin: (ended: () => void) => OpenStream): boolean
  /** Ends all, and takes no more. */
  stop(): void
}

/** Clients come back after it, to this server or another. */
export const STOPPING: FaultDetail = {
  code: 'UNAVAILABLE',
  reason: 'SERVER_STOPPING',
  message: 'the server is stopping',
  retryable: true,
}

export const openStreams = (): OpenStreams => {
  const open = new Set<Kept>()
  let stopping = false
  return {
    serve: (begin) => {
      if (stopping) return false
      const kept: Kept = { stream: undefined }
      // Before it begins: a stream may be over as soon as it began.
      open.add(kept)
      kept.stream = begin(() => open.delete(kept))
      return true
    },
    stop: () => {
      stopping = true
      for (const { stream } of [...open]) stream?.end(STOPPING)
    },
  }
}

interface Kept {
  stream: OpenStream | undefined
}
