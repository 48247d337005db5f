/** The short forms of the phases that `npm run soak` plays in full: the same faults under the same load, fewer times. */
import { expect, test } from 'vitest'
import { PHASES } from '../../soak/phases.js'

const PHASE_MS_MAX = 300_000
/** Moments differ from run to run; what must hold holds at each. A failure tells the command with its seed. */
const seed = Date.now() % 1_000_000

test.for(PHASES)('$name: $promise', { timeout: PHASE_MS_MAX }, async (phase, { skip }) => {
  const why = phase.leftOut?.()
  if (why !== undefined) skip(why)
  const lines: string[] = []
  try {
    const figures = await phase.play({ form: 'short', seed, say: (text) => lines.push(text) })
    expect(figures.rows.length).toBeGreaterThan(0)
  } catch (error) {
    console.log([...lines, `npm run soak -- --only ${phase.name} --short --seed ${seed}`].join('\n'))
    throw error
  }
})
