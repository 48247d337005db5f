/** Every bound of the SDK, by name, with its unit last. */

export const LIMITS = {
  /** Bytes of one message that the SDK fills with several items; a single larger item travels alone. */
  messageBytesMax: 4 * 1024 * 1024,
  /** Items of one message. */
  messageItemsMax: 1_000,
  /** Bytes of an input that the client sends at all; the server's own limit is lower. */
  inputBytesMax: 16 * 1024 * 1024,
  /** Bytes the transport accepts in one message. */
  transportBytesMax: 64 * 1024 * 1024,
  /** What a result may take until the server has said its own limit. */
  resultBytesMax: 2 * 1024 * 1024,
  /** Bytes of the metadata beside a result or a failure. */
  metadataBytesMax: 64 * 1024,
  /** Bytes of the progress a heartbeat carries. */
  progressBytesMax: 64 * 1024,
  /** Nesting of a value that is made into JSON. */
  jsonDepthMax: 512,
  /** Characters of a failure's message and stack; the rest is cut. */
  failureMessageCharsMax: 8 * 1024,
  failureStackCharsMax: 16 * 1024,
  /** Nesting of the modules that a class look-up is given. */
  lookupDepthMax: 8,
  /** Characters of a name. */
  nameCharsMax: 255,
  /** Operations of a durable function from its beginning, or since it continued as new. */
  functionOperationsMax: 10_000,
  /** Bytes of what a durable function gives to a call or a child. */
  operationInputBytesMax: 1024 * 1024,
  /** The longest time of an attempt of a call, of the silence of its handler, and of its delays: some 24 days. */
  callMsMax: 2 ** 31 - 1,
  /** Attempts that a policy may allow, and how far a priority may be from the middle. */
  retryAttemptsMax: 1_000,
  priorityMax: 100,
  /** Bytes of a signal's payload. */
  signalBytesMax: 256 * 1024,
  /** Bytes of the payload of an update, and of its answer. */
  updateBytesMax: 64 * 1024,
  /** How long one call waits for the answer to an update. */
  updateWaitMs: 5_000,
  /** Bytes of a value that a durable function shows to queries, and how many of them there may be. */
  stateBytesMax: 64 * 1024,
  stateKeysMax: 100,
  /** The longest sleep of a durable function. */
  sleepMsMax: 10 * 366 * 24 * 60 * 60 * 1_000,
  /** How a step of a durable function is tried again when not said: attempts in all, the first delay, the longest. */
  retryAttemptsDefault: 3,
  retryBaseMsDefault: 1_000,
  retryDelayMsDefault: 30_000,
  /** Suspended functions that a worker keeps when not said: bytes of their journals, and for how long. */
  functionCacheBytesDefault: 64 * 1024 * 1024,
  functionKeepMsDefault: 10_000,
  /** How long a run waits before it hands in again what the server could not take. */
  recordAgainMs: 1_000,
  /** Turns of functions that follow each other before the process looks at anything else, and whose records leave in one message. */
  functionTurnsTogetherMax: 256,
  /** Slots a worker offers when not said. */
  workerSlotsDefault: 100,
  /** How long an HTTP call of a step may take when not said. */
  apiTimeoutMs: 30_000,
  /** Bytes of the body of an HTTP answer. */
  apiResponseBytesMax: 16 * 1024 * 1024,
  /** Characters of an answer's body that a failure tells. */
  apiExcerptCharsMax: 300,
  /** How often the worker looks at timeouts, heartbeats and its drain. */
  sweepMs: 100,
  /** How long a handler may go on after its timeout before the worker answers in its place. */
  overrunMs: 5_000,
  /** How long a drained stream must be quiet before the worker closes it, so that a command on its way is not lost. */
  drainQuietMs: 250,
  /** How long a drain waits for running handlers before it stops them. */
  drainMsDefault: 120_000,
  /** How long `stop` waits for aborted handlers, then for the acknowledgements. */
  stopMs: 2_000,
  /** How long a stream may take to be greeted. */
  greetingMs: 10_000,
  /** The wait before a broken stream is opened again: the first, and the longest it doubles to. */
  reconnectMsMin: 50,
  reconnectMsMax: 1_000,
  /** The deadline of a unary call. */
  callMs: 15_000,
  /** Submissions sent and not answered. */
  submissionsInFlightMax: 1_000,
  /** Submissions waiting for their turn; more are refused. */
  submissionsQueuedMax: 100_000,
  /** How long a submission waits for its answer. */
  submissionMsMax: 60_000,
  /** How often the client looks for submissions whose time is over. */
  expirySweepMs: 500,
  /** Outcomes followed on the mere chance that somebody asks for them. */
  outcomesUnaskedMax: 4_096,
} as const
