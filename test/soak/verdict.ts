/** The judgement after a fault: what was acknowledged is in a sound log, with one end each, and the product's own audit finds nothing. */
import { auditLog } from '../support/log-audit.js'
import { auditFinding, type SealedDatabase } from './audit-command.js'
import type { PhaseForm } from './phase.js'
import { ATTEMPTS_MAX, DEPENDENCIES } from './mixed-work.js'

const TOLD_MAX = 20

/** A promise that did not hold; the message says which and where. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise'

  constructor(problems: readonly string[]) {
    super(`broken promises:\n  ${problems.slice(0, TOLD_MAX).join('\n  ')}`)
  }
}

export interface Verdict {
  readonly tasks: number
  readonly events: number
  readonly audit_ms: number
}

/** Between two faults of a short form, which leaves the command out; after a fault; and at the end. */
export type Moment = 'between' | 'after_fault' | 'over'

/** The moment after a fault. */
export const afterFault = (form: PhaseForm): Moment => (form === 'long' ? 'after_fault' : 'between')

/** What the ledger of a load knows. */
export interface Ledger {
  readonly acknowledged: readonly string[]
  readonly problems: readonly string[]
}

/**
 * Throws a `BrokenPromise` when anything acknowledged is missing, or when the log is not what it must be. When everything is over,
 * each acknowledged task must be complete too.
 */
export const judge = async (on: SealedDatabase, ledger: Ledger, moment: Moment): Promise<Verdict> => {
  const startedAt = performance.now()
  const acknowledged = [...ledger.acknowledged]
  const { problems, tasks } = await auditLog(on.databaseUrl, { dependencies: DEPENDENCIES, attemptsMax: ATTEMPTS_MAX })
  const lost = acknowledged.flatMap((id) => {
    const task = tasks.get(id)
    if (task === undefined) return [`${id} was acknowledged and is not in the log`]
    return moment === 'over' && task.end !== 'task.completed' ? [`${id} ended with ${task.end ?? 'nothing'}`] : []
  })
  const finding = moment === 'between' ? undefined : await auditFinding(on)
  const found = [...ledger.problems, ...problems, ...lost, ...(finding === undefined ? [] : [finding])]
  if (found.length > 0) throw new BrokenPromise(found)
  let events = 0
  for (const task of tasks.values()) events += task.events.length
  return { tasks: tasks.size, events, audit_ms: Math.round(performance.now() - startedAt) }
}
