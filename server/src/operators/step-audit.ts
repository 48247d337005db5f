/** Reads the audit of a step from its task's history, a page of entries at a time. */
import { StepAudit, type StepAuditEntry, type StepId } from '@tasker/core'
import type { Engine, TaskSnapshot } from '../engine/api.js'

/** Events of one read of the history. */
const HISTORY_PAGE_EVENTS = 500

export interface AuditPage {
  readonly entries: readonly StepAuditEntry[]
  /** Entries behind this version are left; undefined when none are. */
  readonly nextAfterVersion: number | undefined
}

/** Entries above a version. The history is folded from its start, because an entry tells the state before it too. */
export const readStepAudit = async (
  engine: Engine,
  { taskId, state, version }: TaskSnapshot,
  step: StepId,
  { afterVersion, limit }: { readonly afterVersion: number; readonly limit: number },
): Promise<AuditPage> => {
  const audit = new StepAudit(step, state.plan)
  const entries: StepAuditEntry[] = []
  let last = 0
  while (last < version) {
    const events = await engine.history(taskId, last, HISTORY_PAGE_EVENTS)
    for (const event of events) {
      const entry = audit.add(event)
      last = event.version
      if (entry === undefined || entry.version <= afterVersion) continue
      if (entries.length === limit) return { entries, nextAfterVersion: entries[limit - 1]?.version }
      entries.push(entry)
    }
    if (events.length === 0) break
  }
  return { entries, nextAfterVersion: undefined }
}
