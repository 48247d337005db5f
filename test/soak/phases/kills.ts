/** Processes die at once, in the midst of the load. */
import { noProcessTrees } from '../../support/process-tree.js'
import type { Phase } from '../phase.js'
import { postgresKilled, serverKilled, workerKilled } from '../strikes.js'
import { underLoad } from '../under-load.js'

const serverKills: Phase = underLoad({
  name: 'server-killed',
  promise: 'a server that is killed loses nothing that it acknowledged, and the next one brings each task to its right result',
  plan: { short: [{ strike: serverKilled, times: 3 }], long: [{ strike: serverKilled, times: 30 }] },
})

const workerKills: Phase = underLoad({
  name: 'worker-killed',
  promise: 'a worker that is killed in the middle of steps, batches included, costs an attempt and no result',
  plan: { short: [{ strike: workerKilled, times: 3 }], long: [{ strike: workerKilled, times: 30 }] },
})

const postgresKills: Phase = underLoad({
  name: 'postgres-killed',
  leftOut: noProcessTrees,
  promise: 'a PostgreSQL that is killed with all its processes is missed by nobody once it is back: the server goes on by itself',
  plan: { short: [{ strike: postgresKilled, times: 3 }], long: [{ strike: postgresKilled, times: 5 }] },
})

export const KILLS: readonly Phase[] = [serverKills, workerKills, postgresKills]
