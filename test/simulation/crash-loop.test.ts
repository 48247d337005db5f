import { expect, test } from 'vitest'
import { runWithCrash } from './crash-loop.js'
import { CrashAtCall, MOMENTS } from './crash-points.js'
import { failureOf } from './report.js'

/** The workload is small enough to be tried at each of its calls, and large enough to make some. */
const CALLS = { least: 500, most: 5_000 } as const

test.each(MOMENTS)(
  'a server that dies in any call of a port, %s its effect, loses nothing: tried at the first call, the second, until it is not reached any more',
  { timeout: 1_800_000 },
  async (moment) => {
    const calls = new Map<string, number>()
    let number = 1
    for (; number < CALLS.most; number++) {
      const crash = new CrashAtCall(number, moment)
      const report = await runWithCrash(crash)
      expect(failureOf(report), `the crash at call ${number}, ${moment} the effect of ${crash.hit}`).toBeUndefined()
      if (crash.hit === undefined) break
      calls.set(crash.hit, (calls.get(crash.hit) ?? 0) + 1)
    }
    process.stdout.write(
      `dies ${moment}: ${number - 1} calls of ${calls.size} ports, ${[...calls].map(([call, count]) => `${count} × ${call}`).join(', ')}\n`,
    )
    expect(number).toBeGreaterThan(CALLS.least)
    expect(number).toBeLessThan(CALLS.most)
  },
)
