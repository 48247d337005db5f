/** I25: a result counts only from the worker that holds the attempt, while it holds it: what comes late, or from another, is never the step's result. */
import { eachEvent, endsAttempt, type InvariantOf } from './invariant.js'

interface Held {
  readonly attempt: number
  readonly worker: string
}

export const resultsCountFromHolders: InvariantOf = (violated) =>
  eachEvent<Map<string, Held>>(
    () => new Map(),
    ({ event, taskId, worker }, out) => {
      if (event.type === 'step.started') out.set(event.step, { attempt: event.attempt, worker: event.worker })
      if (event.type === 'step.completed') {
        const held = out.get(event.step)
        if (held === undefined)
          violated(`I25 a late result counts: attempt ${event.attempt} of ${event.step} of ${taskId} is not out`, taskId)
        else if (held.attempt !== event.attempt || held.worker !== worker)
          violated(
            `I25 a late result counts: ${worker} ends attempt ${event.attempt} of ${event.step} of ${taskId}; ${held.worker} holds ${held.attempt}`,
            taskId,
          )
      }
      if (endsAttempt(event)) out.delete(event.step)
    },
  )
