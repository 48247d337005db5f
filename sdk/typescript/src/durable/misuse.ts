/** What a durable function may not do, each with its reason; thrown at the call, so that it cannot be overlooked. */
import { TaskerError } from '../errors/tasker-error.js'
import { LIMITS } from '../limits.js'

export const refused = (reason: string, message: string, hint?: string): TaskerError =>
  new TaskerError({ code: 'INVALID_INPUT', reason, message, ...(hint === undefined ? {} : { hint }) })

export const afterEnd = (what: string): TaskerError =>
  refused('OPERATION_AFTER_END', `${what} was asked for after its function, or its branch, had ended`, 'await every operation')

export const notAwaited = (what: string): TaskerError =>
  refused('OPERATION_NOT_AWAITED', `the function ended and had never awaited ${what}`, 'await every operation')

export const inStep = (what: string, step: string): TaskerError =>
  refused(
    'OPERATION_IN_STEP',
    `${what} was asked for from inside the step ${step}`,
    'a step does one thing of the world; ask for operations in the function itself',
  )

export const ofAnotherTask = (what: string): TaskerError =>
  refused(
    'CONTEXT_OF_ANOTHER_TASK',
    `${what} was asked for with the context of another task`,
    'use the context that the function was given',
  )

export const outsideTurn = (what: string): TaskerError =>
  refused(
    'OPERATION_OUTSIDE_TURN',
    `${what} was asked for after the function had waited for something that is no operation`,
    'put what waits for the world (timers, files, requests, dynamic imports) into `ctx.step`',
  )

export const tooMany = (what: string): TaskerError =>
  refused(
    'TOO_MANY_OPERATIONS',
    `${what} would be one more than the ${LIMITS.functionOperationsMax} operations that a function may have`,
    'go on with `return ctx.continueAs(input)`, or put what belongs together into one step or child',
  )
