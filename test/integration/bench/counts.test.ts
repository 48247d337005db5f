import { expect, test } from 'vitest'
import { countProblems, readBaseline } from '../../bench/quick/baseline.js'
import { countSteps } from '../../bench/quick/counts.js'

const TASKS = 100
const MS_MAX = 180_000

test(
  'a step costs no more commits, statements, messages, bytes and allocations than the baseline says',
  async () => {
    const counts = await countSteps(TASKS)
    expect(countProblems(counts, readBaseline().counts)).toEqual([])
    // Nothing counted would be nothing found.
    for (const [name, count] of Object.entries(counts)) expect(count, name).toBeGreaterThan(0)
  },
  MS_MAX,
)
