/** Work that goes wrong in the ways a template may provide for: conditions, joins, failures that hold nobody up, and ways back. */
import type { Dice } from './dice.js'
import { HANDLERS, NAMESPACE } from './workload.js'

const STEPS = { from: 3, to: 8 } as const

export const drawFailingTemplate = (dice: Dice, name: string): string => {
  const steps = Array.from({ length: dice.between(STEPS.from, STEPS.to) }, (_, index) => drawStep(dice, index))
  return JSON.stringify({ name, namespace_name: NAMESPACE, version: '1.0.0', steps })
}

const drawStep = (dice: Dice, index: number): object => {
  const dependencies = Array.from({ length: index }, (_, earlier) => `s${earlier}`).filter(() => dice.chance(0.4))
  const onFailure = dice.pick(['block', 'continue', 'compensate'])
  return {
    name: `s${index}`,
    dependencies,
    handler: { callable: dice.pick(HANDLERS) },
    timeout_seconds: dice.between(2, 5),
    retry: retryOf(dice),
    publishes_events: [{ name: 'over', condition: 'always' }],
    on_failure: onFailure,
    ...(dice.chance(0.6) ? { compensate: drawWayBack(dice) } : {}),
    ...(dice.chance(0.3) ? { when: dice.pick(CONDITIONS) } : {}),
    ...(dependencies.length > 1 && dice.chance(0.5) ? drawJoin(dice, dependencies.length) : {}),
  }
}

const CONDITIONS = ['context.tenant != 1', 'context.missing', 'false', 'true'] as const

const drawWayBack = (dice: Dice): object => ({
  handler: { callable: dice.pick(HANDLERS), method: 'call' },
  timeout_seconds: dice.between(2, 5),
  retry: retryOf(dice),
})

const drawJoin = (dice: Dice, count: number): object => ({ join: dice.between(1, count), cancel_remaining: dice.chance(0.5) })

const retryOf = (dice: Dice): object => ({
  max_attempts: dice.between(1, 4),
  backoff: dice.pick(['none', 'linear']),
  backoff_base_ms: dice.between(100, 1_000),
})
