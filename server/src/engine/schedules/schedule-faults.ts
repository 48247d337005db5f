/** Why a schedule cannot be had as it was asked for. */
import { LIMITS, type ScheduleProblem, type ScheduleRefusal } from '@tasker/core'
import type { FaultDetail } from '../../faults.js'

/** The first problem names the fault; all of them are told. */
export const invalidSchedule = (problems: readonly ScheduleProblem[]): FaultDetail => ({
  code: 'INVALID_INPUT',
  reason: problems[0]?.code ?? 'INVALID_SCHEDULE',
  message: problems.length === 1 ? (problems[0]?.message ?? '') : `the schedule has ${problems.length} problems`,
  errors: problems,
  retryable: false,
})

export const tooManySchedules: FaultDetail = {
  code: 'INVALID_STATE',
  reason: 'TOO_MANY_SCHEDULES',
  message: `there are ${LIMITS.schedulesMax} schedules already`,
  hint: 'delete some that are not needed any more',
  retryable: false,
}

export const unreadableSchedule = (namespace: string, name: string, message: string): FaultDetail => ({
  code: 'INTERNAL',
  reason: 'STREAM_QUARANTINED',
  message: `the events of schedule ${namespace}/${name} cannot be read: ${message}`,
  retryable: false,
})

const HINTS: { readonly [Reason in ScheduleRefusal['reason']]: string } = {
  SCHEDULE_NOT_FOUND: 'list them with: tasker schedule list',
  SCHEDULE_EXISTS: 'edit it, or choose another name',
  SCHEDULE_BUSY: 'wait for tasks of it to end',
  BACKFILL_INVALID: 'ask for a range of the past, with fewer times in it',
}

const CODES: { readonly [Reason in ScheduleRefusal['reason']]: FaultDetail['code'] } = {
  SCHEDULE_NOT_FOUND: 'NOT_FOUND',
  SCHEDULE_EXISTS: 'CONFLICT',
  SCHEDULE_BUSY: 'INVALID_STATE',
  BACKFILL_INVALID: 'INVALID_INPUT',
}

export const scheduleRefused = ({ reason, message }: ScheduleRefusal): FaultDetail => ({
  code: CODES[reason],
  reason,
  message,
  hint: HINTS[reason],
  retryable: false,
})
