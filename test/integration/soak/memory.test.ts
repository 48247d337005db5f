/** The short form of the memory phase: what a server holds does not grow with the number of tasks that wait. */
import { expect, test } from 'vitest'
import { memoryPhase } from '../../soak/phases/memory.js'

const TASKS = 20_000
const MIB = 1024 * 1024
/**
 * Folded, these tasks are about 40 MiB; the program itself is about 45. So a server that kept them would need more than it has here, and would
 * end. One that keeps 4 MiB of them has room to spare.
 */
const CACHE_BYTES = 4 * MIB
const HEAP_MIB_MAX = 80
/** That heap, and what Node keeps beside it. */
const RESIDENT_MIB_MAX = 320

test(`${TASKS} tasks are taken without a worker and drained, in memory that would not hold them, and none is lost`, async () => {
  const { problems, rss_mib, turned_away } = await memoryPhase({
    tasks: TASKS,
    inFlight: 500,
    slots: 500,
    server: { TASKER_CACHE_BYTES_MAX: String(CACHE_BYTES), NODE_OPTIONS: `--max-old-space-size=${HEAP_MIB_MAX}` },
  })
  expect(problems).toEqual([])
  expect(turned_away).toBe(0)
  expect(rss_mib.peak).toBeLessThan(RESIDENT_MIB_MAX)
}, 300_000)
