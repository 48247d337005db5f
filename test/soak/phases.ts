/** Every phase of the soak, in the order in which they are played. A new one is a file in `phases/` and a line here. */
import type { Phase } from './phase.js'
import { cuts } from './phases/cuts.js'
import { diskFull } from './phases/disk-full.js'
import { KILLS } from './phases/kills.js'
import { longTask } from './phases/long-task.js'
import { memory } from './phases/memory.js'
import { recovery } from './phases/recovery.js'
import { sleeping } from './phases/sleeping.js'
import { stops } from './phases/stops.js'
import { twoServers } from './phases/two-servers.js'

export const PHASES: readonly Phase[] = [...KILLS, stops, cuts, diskFull, twoServers, recovery, memory, sleeping, longTask]
