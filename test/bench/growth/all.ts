/** Everything that cost may grow with, in the order of the page. */
import type { Growth } from './growth.js'
import { graphLength } from './graph-length.js'
import { inFlight } from './in-flight.js'
import { logLength } from './log-length.js'
import { payload } from './payload.js'
import { saturation } from './saturation.js'
import { waiting } from './waiting.js'
import { workers } from './workers.js'

export const GROWTHS: readonly Growth[] = [inFlight, saturation, waiting, graphLength, workers, payload, logLength]
