/** The calls of `ScheduleService`. */
import { type Firing, instant, LIMITS, namespaceOf, type PastFiring } from '@tasker/core'
import type {
  BackfillScheduleRequest,
  CreateScheduleRequest,
  DeleteScheduleResponse,
  EditScheduleRequest,
  ListSchedulesRequest,
  ListSchedulesResponse,
  Schedule,
  ScheduleFiring,
  ScheduleNoteRequest,
  ScheduleRef,
} from '@tasker/proto'
import type { ScheduleInfo, ScheduleOrder } from '../engine/api.js'
import { Fault, type FaultDetail, type InputProblem } from '../faults.js'
import type { EngineDoor } from './door.js'
import { invalidFields } from './input-faults.js'
import { readDefinition, wireDefinition } from './schedule-form.js'
import { ANONYMOUS } from './submission.js'
import { checkText, requireText } from './text-fields.js'

export const createSchedule = (door: EngineDoor, request: CreateScheduleRequest): Promise<Schedule> => {
  const problems: InputProblem[] = []
  requireText(problems, '/namespace', request.namespace)
  requireText(problems, '/name', request.name)
  checkText(problems, '/name', request.name, LIMITS.scheduleNameCharsMax)
  checkText(problems, '/note', request.note, LIMITS.scheduleNoteCharsMax)
  if (request.name.includes('/')) problems.push({ code: 'BAD_VALUE', path: '/name', message: 'name must not hold a slash' })
  if (problems.length > 0) throw new Fault(invalidFields(problems))
  const pausedNote = request.paused ? request.note : undefined
  return ordered(door, request, { type: 'create', definition: readDefinition(request.definition), pausedNote })
}

export const getSchedule = (door: EngineDoor, request: ScheduleRef): Schedule => {
  const info = door.engine.schedules.get(namespaceOf(request.namespace), request.name)
  if (info === undefined) throw new Fault(notFound(request))
  return wireSchedule(info)
}

export const listSchedules = (door: EngineDoor, { namespace }: ListSchedulesRequest): ListSchedulesResponse => ({
  schedules: door.engine.schedules.list(namespace === '' ? undefined : namespaceOf(namespace)).map(wireSchedule),
})

export const editSchedule = (door: EngineDoor, request: EditScheduleRequest): Promise<Schedule> =>
  ordered(door, request, { type: 'edit', definition: readDefinition(request.definition) })

export const noteSchedule =
  (type: 'pause' | 'resume') =>
  (door: EngineDoor, request: ScheduleNoteRequest): Promise<Schedule> => {
    const problems: InputProblem[] = []
    checkText(problems, '/note', request.note, LIMITS.scheduleNoteCharsMax)
    if (problems.length > 0) throw new Fault(invalidFields(problems))
    return ordered(door, request, { type, note: request.note })
  }

export const triggerSchedule = (door: EngineDoor, request: ScheduleRef): Promise<Schedule> =>
  ordered(door, request, { type: 'trigger' })

export const backfillSchedule = (door: EngineDoor, request: BackfillScheduleRequest): Promise<Schedule> =>
  ordered(door, request, { type: 'backfill', fromAt: instant(request.fromMs), untilAt: instant(request.untilMs) })

export const deleteSchedule = async (door: EngineDoor, request: ScheduleRef): Promise<DeleteScheduleResponse> => {
  await doneOrder(door, request, { type: 'delete' })
  return {}
}

const ordered = async (door: EngineDoor, ref: ScheduleRef, order: ScheduleOrder): Promise<Schedule> => {
  const info = await doneOrder(door, ref, order)
  if (info === undefined) throw new Fault(notFound(ref))
  return wireSchedule(info)
}

const doneOrder = async (
  { engine }: EngineDoor,
  { namespace, name }: ScheduleRef,
  order: ScheduleOrder,
): Promise<ScheduleInfo | undefined> => {
  const answer = await engine.schedules.order(namespaceOf(namespace), name, order, ANONYMOUS)
  if (answer.type === 'failed') throw new Fault(answer.fault)
  return answer.info
}

const notFound = ({ namespace, name }: ScheduleRef): FaultDetail => ({
  code: 'NOT_FOUND',
  reason: 'SCHEDULE_NOT_FOUND',
  message: `there is no schedule ${namespace}/${name}`,
  retryable: false,
})

const wireSchedule = ({ schedule, version, next }: ScheduleInfo): Schedule => ({
  namespace: schedule.namespace,
  name: schedule.name,
  definition: wireDefinition(schedule.definition),
  paused: schedule.paused !== undefined,
  pausedAtMs: schedule.paused?.at ?? 0,
  note: schedule.paused?.note ?? '',
  createdAtMs: schedule.createdAt,
  editedAtMs: schedule.editedAt,
  streamVersion: version,
  next: next.map(({ nominalAt, dueAt }) => ({ nominalAtMs: nominalAt, dueAtMs: dueAt })),
  running: schedule.firings.map(wireFiring),
  waitingMs: schedule.waiting.map(({ nominalAt }) => nominalAt),
  lastFirings: schedule.lastFirings.toReversed().map(wireFiring),
  lastSkips: schedule.lastSkips.toReversed().map(({ nominalAt, at, reason }) => ({ nominalAtMs: nominalAt, atMs: at, reason })),
  fired: schedule.counts.fired,
  skipped: schedule.counts.skipped,
  missed: schedule.counts.missed,
})

const wireFiring = (firing: Firing | PastFiring): ScheduleFiring => {
  const refused = 'refused' in firing ? firing.refused : undefined
  return {
    firing: firing.id,
    nominalAtMs: firing.nominalAt,
    by: firing.by,
    firedAtMs: firing.firedAt,
    taskId: firing.taskId ?? '',
    outcome: ('outcome' in firing ? firing.outcome : undefined) ?? '',
    refusedReason: refused?.reason ?? '',
    refusedMessage: refused?.message ?? '',
  }
}
