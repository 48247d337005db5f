/** A task now or as of a moment of its past: what both doors read of the engine when they are asked for a moment. */
import type { Instant, Moment, TaskId } from '@tasker/core'
import type { Engine, TaskSnapshot } from '../engine/api.js'
import { Fault } from '../faults.js'

/** What a request says of a moment. */
export interface AskedMoment {
  readonly version: number | undefined
  readonly at: Instant | undefined
}

/** Undefined where no moment is asked for; throws where two are, or a version that no event can have. */
const momentOf = ({ version, at }: AskedMoment): Moment | undefined => {
  if (version !== undefined && at !== undefined)
    throw unfit('/at_time', 'at_version and at_time are two moments: only one can be asked for')
  if (version !== undefined && version < 1) throw unfit('/at_version', 'versions begin with 1')
  if (version !== undefined) return { type: 'version', version }
  return at === undefined ? undefined : { type: 'time', at }
}

/** The task as it is, or as it was. Undefined when there is no such task. */
export const readAt = (engine: Engine, taskId: TaskId, asked: AskedMoment): Promise<TaskSnapshot | undefined> => {
  const moment = momentOf(asked)
  return moment === undefined ? engine.read(taskId) : engine.readAsOf(taskId, moment)
}

const unfit = (path: string, message: string): Fault =>
  new Fault({ code: 'INVALID_INPUT', reason: 'INVALID_INPUT', message, errors: [{ code: 'OUT_OF_RANGE', path, message }] })
