/** Processes stand still and go on, as in a machine that was paused: longer than anybody may be silent. */
import { noProcessTrees } from '../../support/process-tree.js'
import type { Phase } from '../phase.js'
import { postgresStopped, serverStopped, workerStopped } from '../strikes.js'
import { underLoad } from '../under-load.js'

const LONG_MS = 15_000
/** Above the silence and the grace of a worker, and above what an append may take before callers are told. */
const SHORT_MS = { server: 4_000, worker: 5_000, postgres: 7_000 } as const

export const stops: Phase = underLoad({
  name: 'stopped',
  leftOut: noProcessTrees,
  promise: 'a server, a worker or a PostgreSQL that stood still and goes on gives no task a second result and forgets none',
  plan: {
    short: [
      { strike: serverStopped(SHORT_MS.server), times: 1 },
      { strike: workerStopped(SHORT_MS.worker), times: 1 },
      { strike: postgresStopped(SHORT_MS.postgres), times: 1 },
    ],
    long: [
      { strike: serverStopped(LONG_MS), times: 5 },
      { strike: workerStopped(LONG_MS), times: 5 },
      { strike: postgresStopped(LONG_MS), times: 5 },
    ],
  },
})
