/** What a handler in the simulation does with an attempt: how long it takes, and what comes of it. */
import { jsonOf, type JsonText, runOf, type StepChoice } from '@tasker/core'
import type { AttemptOutcome, StepCommand } from '@tasker/server/internal/engine/api'
import type { Clock } from '@tasker/server/internal/engine/clock'
import type { Dice } from './dice.js'
import { POISON } from './fault-plan.js'
import type { NetworkParts } from './network.js'
import type { Weather } from './weather.js'

export interface HandlerParts {
  readonly name: string
  readonly clock: Clock
  readonly dice: Dice
  readonly weather: Weather
  readonly network: NetworkParts
  /** Whether it fails by the plan of the workload, apart from any fault. */
  readonly fails: (command: StepCommand) => boolean
  /** What the handler says beside its result. */
  readonly choose: (command: StepCommand) => StepChoice | undefined
}

/** How long a handler takes. */
const WORK_MS_MAX = 800
/** How long one takes that has to say that it is alive. */
const LONG_WORK_MS_MAX = 4_000
/** How long after its time an attempt answers that answers late. */
const LATE_MS = { from: 50, to: 8_000 } as const

export const workMs = (
  command: StepCommand,
  answersLate: boolean,
  { clock, dice, weather, name, network }: HandlerParts,
): number => {
  const usually = dice.between(1, WORK_MS_MAX)
  if (answersLate) {
    weather.note('answers late', name)
    return Math.max(0, command.deadlineAt - clock.now()) + network.dice.between(LATE_MS.from, LATE_MS.to)
  }
  const isHeard = runOf(command.task, command.stepIndex).heartbeatMs !== undefined
  return isHeard ? network.dice.between(1, LONG_WORK_MS_MAX) : usually
}

export const outcomeOf = (command: StepCommand, { dice, weather, fails, choose }: HandlerParts): AttemptOutcome => {
  const { stepFails, stepFailsForGood, resultPoisoned } = weather.faults
  if (fails(command)) return failure('RetryableError', true)
  if (dice.chance(stepFailsForGood)) return failure('PermanentError', false)
  if (dice.chance(stepFails)) return failure('RetryableError', true)
  if (resultPoisoned > 0 && dice.chance(resultPoisoned)) return { type: 'completed', output: jsonOf(POISON) }
  const choice = choose(command)
  const output = echo(command)
  return choice === undefined ? { type: 'completed', output } : { type: 'completed', output, choice }
}

const failure = (errorType: string, retryable: boolean): AttemptOutcome => ({
  type: 'failed',
  failure: { message: 'simulated', errorType, retryable },
})

const echo = ({ task, step }: StepCommand): JsonText => jsonOf({ step, context: task.submitted.context })
