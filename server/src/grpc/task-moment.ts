/** A task as a call asks for it: now, or as of a moment of its past. */
import { instant } from '@tasker/core'
import type { AsOf } from '@tasker/proto'
import type { TaskSnapshot } from '../engine/api.js'
import { Fault } from '../faults.js'
import { readAt } from '../query/moment.js'
import type { EngineDoor } from './door.js'
import { taskNotFound } from './input-faults.js'
import { requiredTaskId } from './unary.js'

interface MomentRequest {
  readonly taskId: string
  readonly atVersion?: number | undefined
  readonly atTimeMs?: number | undefined
}

/** Throws `TASK_NOT_FOUND`, or what is wrong with the moment. */
export const taskAt = async (door: EngineDoor, { taskId: text, atVersion, atTimeMs }: MomentRequest): Promise<TaskSnapshot> => {
  const taskId = requiredTaskId(text)
  const at = atTimeMs === undefined ? undefined : instant(atTimeMs)
  const snapshot = await readAt(door.engine, taskId, { version: atVersion, at })
  if (snapshot === undefined) throw new Fault(taskNotFound(taskId))
  return snapshot
}

/** Undefined for a task as it is now. */
export const wireAsOf = ({ version, asOf }: TaskSnapshot): AsOf | undefined =>
  asOf === undefined ? undefined : { version, atMs: asOf }
