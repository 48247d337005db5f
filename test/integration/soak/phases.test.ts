/** The short forms of the phases about what a server holds in memory. */
import { expect, test } from 'vitest'
import type { Phase } from '../../soak/phase.js'
import { longTask } from '../../soak/phases/long-task.js'
import { memory } from '../../soak/phases/memory.js'
import { sleeping } from '../../soak/phases/sleeping.js'

const PHASE_MS_MAX = 300_000
const PHASES: readonly Phase[] = [memory, sleeping, longTask]

test.for(PHASES)('$name: $promise', { timeout: PHASE_MS_MAX }, async (phase) => {
  const lines: string[] = []
  try {
    const figures = await phase.play({ form: 'short', seed: 1, say: (text) => lines.push(text) })
    expect(figures.rows.length).toBeGreaterThan(0)
  } catch (error) {
    console.log(lines.join('\n'))
    throw error
  }
})
