/** The ways between the processes break, or go silent without anybody being told. */
import type { Phase } from '../phase.js'
import { cut, deadConnections, silence } from '../strikes.js'
import { underLoad } from '../under-load.js'

const LONG_MS = 15_000
const SHORT_MS = 6_000

export const cuts: Phase = underLoad({
  name: 'cut',
  promise: 'connections that break, go silent or stay open and dead lose no acknowledged task and repeat no result',
  ground: { proxied: true },
  plan: {
    short: [
      { strike: cut('toPostgres'), times: 1 },
      { strike: cut('toServer'), times: 1 },
      { strike: silence('toPostgres', SHORT_MS), times: 1 },
      { strike: silence('toServer', SHORT_MS), times: 1 },
    ],
    long: [
      { strike: cut('toPostgres'), times: 15 },
      { strike: cut('toServer'), times: 15 },
      { strike: silence('toPostgres', LONG_MS), times: 3 },
      { strike: silence('toServer', LONG_MS), times: 3 },
      { strike: deadConnections('toPostgres'), times: 1 },
      { strike: deadConnections('toServer'), times: 1 },
    ],
  },
})
