/** The holders of identities against the tasks that were submitted under them: of several with one scope the last one holds it. */
import type { TaskId } from '@tasker/core'
import { scopeOfTask } from '../../engine/identity.js'
import { decodeTaskEvents } from '../../log/codec.js'
import type { StoredCommit } from '../../log/port.js'
import { identityOf, projectionOf } from '../fold/projections.js'
import type { FoldedStream } from '../fold/stream-fold.js'
import { rowDifference } from './compare.js'
import type { IdentityHolder, RowDifference, StoredRows } from './port.js'

/**
 * Tasks that are projected and whose scope nobody holds, or somebody who was not submitted later. The holders are read after the tasks, so they
 * may be newer, and are never older.
 */
export const identityDifferences = async (
  stored: StoredRows,
  folded: readonly FoldedStream[],
): Promise<readonly RowDifference[]> => {
  const wanted = folded.flatMap((stream) => {
    const identity = stream.type === 'task' ? identityOf(stream) : undefined
    return identity === undefined || stream.type !== 'task' ? [] : [{ ...identity, version: stream.version }]
  })
  if (wanted.length === 0) return []
  const holders = new Map((await stored.holders(wanted.map(({ scope }) => scope))).map((holder) => [holder.scope, holder]))
  return wanted.flatMap(({ scope, taskId, seq, version }) => {
    const holder = holders.get(scope)
    if (holder === undefined) return [rowDifference(projectionOf('identity'), 'missing', { scope }, version)]
    if (holder.taskId === taskId || isLater(holder, scope, seq)) return []
    return [changedHolder(scope, taskId, holder.taskId, version)]
  })
}

const isLater = ({ first }: IdentityHolder, scope: string, seq: number): boolean =>
  first !== undefined && first.seq > seq && isUnder(scope, first)

/** Holders that were never submitted under their scope. */
export const strayHolders = (holders: readonly IdentityHolder[]): readonly RowDifference[] =>
  holders
    .filter(({ scope, first }) => first === undefined || !isUnder(scope, first))
    .map(({ scope }) => rowDifference(projectionOf('identity'), 'unexpected', { scope }, undefined))

const changedHolder = (scope: string, expected: TaskId, found: TaskId | undefined, version: number): RowDifference => ({
  projection: 'identity',
  kind: 'changed',
  row: { scope },
  column: 'task_id',
  expected,
  found: found ?? 'no task id',
  version,
})

/** Whether a task was submitted under a scope; one whose beginning cannot be read gets the benefit of the doubt. */
const isUnder = (scope: string, first: StoredCommit): boolean => {
  try {
    const [submitted] = decodeTaskEvents(first)
    return submitted?.event.type === 'task.submitted' && scopeOfTask(submitted.event) === scope
  } catch {
    return true
  }
}
