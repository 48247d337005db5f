/** A handler that a durable function calls: a step of the same task, which the function asked for. */
import type { DurationMs } from '../kernel/instant.js'
import { type HandlerName, type StepId, stepId } from '../kernel/ids.js'
import type { JsonText } from '../kernel/json.js'
import { LIMITS } from '../limits.js'
import type { RetryPolicy } from '../retry/policy.js'

/** What the function asks for, with everything that it did not say filled in. */
export interface CallOf {
  /** Of the operation in the journal. */
  readonly key: string
  readonly callable: HandlerName
  /** The method of a class handler; `call` when not given. */
  readonly method: string
  /** In place of the task's context, byte for byte as received. */
  readonly input: JsonText
  readonly retry: RetryPolicy
  readonly timeoutMs: DurationMs
  readonly heartbeatMs?: DurationMs
  readonly scheduleToStartMs?: DurationMs
  readonly scheduleToCloseMs?: DurationMs
  /** Added to the task's priority. */
  readonly priority: number
}

/** How a call is told in the journal. */
export const callTarget = ({ callable, method }: Pick<CallOf, 'callable' | 'method'>): string =>
  method === 'call' ? callable : `${callable}#${method}`

/** Control characters, and halves of surrogate pairs. */
const UNFIT = /[\p{Cc}\p{Cs}]/gu

/** The step of the task's call with the number, from 1: no two calls of a task share one, in whichever life they were made. */
export const callStepName = (key: string, number: number): StepId => {
  const ending = `:${number}`
  return stepId(`${key.slice(0, LIMITS.nameCharsMax - ending.length).replaceAll(UNFIT, '?')}${ending}`)
}
