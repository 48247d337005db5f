/** The wall for the key of everything a worker says: (task_id, step_id, attempt). */
import { LIMITS, parseTaskId, stepId } from '@tasker/core'
import type { AttemptRef as WireRef } from '@tasker/proto'
import type { AttemptRef } from '../engine/api.js'

export type ReadRef = { readonly type: 'ref'; readonly ref: AttemptRef } | { readonly type: 'nonsense'; readonly message: string }

/** Keys are compared as text on both sides, so only the spelling the server uses itself is taken. */
export const canonicalUlid = (text: string): boolean => parseTaskId(text) === text

export const attemptRef = (wire: WireRef): ReadRef => {
  const taskId = parseTaskId(wire.taskId)
  if (taskId === undefined || taskId !== wire.taskId) return nonsense('task_id is no ULID in upper case')
  if (wire.stepId === '' || wire.stepId.length > LIMITS.nameCharsMax)
    return nonsense(`step_id has 1 to ${LIMITS.nameCharsMax} characters`)
  if (wire.attempt < 1) return nonsense('attempts count from 1')
  return { type: 'ref', ref: { taskId, step: stepId(wire.stepId), attempt: wire.attempt } }
}

export const wireRef = (ref: AttemptRef): WireRef => ({ taskId: ref.taskId, stepId: ref.step, attempt: ref.attempt })

const nonsense = (message: string): ReadRef => ({ type: 'nonsense', message })
