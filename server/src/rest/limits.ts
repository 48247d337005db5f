/** The bounds of the REST door, by name; bounds of the engine are in the core's `LIMITS`. */

export const REST_LIMITS = {
  /** Bytes that a submission may have beside its context. */
  submissionOverheadBytesMax: 256 * 1024,
  /** Bytes of the body of any other command. */
  commandBytesMax: 64 * 1024,
  /** Bytes of a too large body that are read and thrown away, so that its sender is told instead of cut off. */
  discardedBytesMax: 64 * 1024 * 1024,
  /** How long a request may take to arrive. */
  requestMsMax: 60_000,
  /** Characters of one part of a path, percent-encoded. */
  pathPartCharsMax: 4_096,
  /** Callers that wait for a result at once. */
  waitsMax: 10_000,
  /** Live streams open at once. */
  streamsMax: 10_000,
  /** Events kept for a live stream that is not ready for them; above that they are read from the history again. */
  streamEventsMax: 256,
  /** Events read from the history at once for a live stream. */
  streamPageEvents: 100,
  /** How long a live stream may take to accept what was written to it. */
  streamStallMsMax: 30_000,
  /** Pause between two signs of life on a quiet stream. */
  streamHeartbeatMs: 15_000,
  /** Commits that one request for an audit looks at, at most and when it does not say. */
  auditCommitsMax: 100_000,
  auditCommitsDefault: 20_000,
  /** How long answers in flight may take when the server stops. */
  stopMsMax: 5_000,
} as const
