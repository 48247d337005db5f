/** Durable functions of a world: programs drawn from its dice. */
import { defineFunction, type FunctionDefinition } from '@tasker/sdk'
import type { Dice } from '../dice.js'
import { NAMESPACE } from '../workload.js'
import { drawPart, playPart } from './operations.js'
import type { Stage } from './stage.js'

interface Input {
  /** Which life it is in, from 1. */
  readonly life?: number
}

/** A function that is drawn, and may continue from its beginning a few times. */
export const drawFunction = (dice: Dice, name: string, stage: Stage): FunctionDefinition => {
  const part = drawPart(dice)
  const lives = dice.chance(0.3) ? dice.between(2, 3) : 1
  const throws = dice.chance(0.1)
  return defineFunction(name, { namespace: NAMESPACE, version: '1.0.0' }, async (ctx, { life = 1 }: Input) => {
    const values = await playPart(ctx, part, { stage, at: `${life}` })
    if (life < lives) return ctx.continueAs({ life: life + 1 })
    if (throws) throw new Error('simulated: the function fails')
    return { life, values }
  })
}
