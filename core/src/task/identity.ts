/** For how long a task keeps others of its identity from being made. */
import { later, type Instant } from '../kernel/instant.js'
import type { IdentityRule } from '../template/template.js'
import { isTerminal, type LiveTask } from './state.js'

/** Whether another task may take the identity at `now`: everything the rule waits for is over. Without a rule it is taken for ever. */
export const identityReleased = (task: LiveTask, rule: IdentityRule, now: Instant): boolean => {
  if (rule.windowMs === undefined && !rule.whileRunning) return false
  if (rule.whileRunning && !isTerminal(task.phase)) return false
  return rule.windowMs === undefined || now >= later(task.submittedAt, rule.windowMs)
}
