/** Phases of the soak as tests: the same faults under the same load, fewer times. */
import { expect, test } from 'vitest'
import type { Phase } from '../../soak/phase.js'

const PHASE_MS_MAX = 300_000
const SEEDS = 1_000_000

/** Moments differ from run to run; what must hold holds at each. A failure tells the command with its seed. */
export const testShortForms = (phases: readonly Phase[]): void => {
  const seed = Date.now() % SEEDS
  for (const phase of phases) {
    test(`${phase.name}: ${phase.promise}`, { timeout: PHASE_MS_MAX }, async ({ skip }) => {
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
  }
}
