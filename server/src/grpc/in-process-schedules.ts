/** The calls of `ScheduleService` without a wire. */
import type { EngineDoor } from './door.js'
import {
  backfillSchedule,
  createSchedule,
  deleteSchedule,
  editSchedule,
  getSchedule,
  listSchedules,
  noteSchedule,
  triggerSchedule,
} from './schedule-calls.js'

type Answered = <Response>(answer: () => Promise<Response>) => Promise<Response>

export const inProcessSchedules = (door: EngineDoor, answered: Answered) => {
  const call =
    <Request, Response>(answer: (door: EngineDoor, request: Request) => Response | Promise<Response>) =>
    (request: Request): Promise<Response> =>
      answered(async () => answer(door, request))
  return {
    createSchedule: call(createSchedule),
    getSchedule: call(getSchedule),
    listSchedules: call(listSchedules),
    editSchedule: call(editSchedule),
    pauseSchedule: call(noteSchedule('pause')),
    resumeSchedule: call(noteSchedule('resume')),
    triggerSchedule: call(triggerSchedule),
    backfillSchedule: call(backfillSchedule),
    deleteSchedule: call(deleteSchedule),
  }
}
