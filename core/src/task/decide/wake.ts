/** Wake: a durable function that is suspended is ready again, because there is news for it. */
import { elementAt } from '../../kernel/invariant.js'
import { RUN_STEP } from '../../function/template.js'
import { hasDiverged, isSuspended } from '../suspended.js'
import type { Draft } from './draft.js'

/** Schedules a function that is suspended, unless it diverged. */
export const wake = (draft: Draft): void => {
  const { task } = draft
  if (isSuspended(task) && !hasDiverged(task)) {
    draft.add({ type: 'step.scheduled', step: RUN_STEP, attempt: elementAt(task.steps, 0, 'steps').attempts + 1 })
  }
}
