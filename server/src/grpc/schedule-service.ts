/** `ScheduleService` as the server serves it. */
import type { Server } from '@grpc/grpc-js'
import {
  type BackfillScheduleRequest,
  type CreateScheduleRequest,
  type EditScheduleRequest,
  type ListSchedulesRequest,
  type ScheduleNoteRequest,
  type ScheduleRef,
  ScheduleServiceService,
} from '@tasker/proto'
import { tolerant } from './decoding.js'
import type { GrpcDoor } from './door.js'
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
import { unary } from './unary.js'

export const addScheduleService = (server: Server, door: GrpcDoor): void => {
  const { logger } = door
  server.addService(
    {
      createSchedule: tolerant(ScheduleServiceService.createSchedule),
      getSchedule: tolerant(ScheduleServiceService.getSchedule),
      listSchedules: tolerant(ScheduleServiceService.listSchedules),
      editSchedule: tolerant(ScheduleServiceService.editSchedule),
      pauseSchedule: tolerant(ScheduleServiceService.pauseSchedule),
      resumeSchedule: tolerant(ScheduleServiceService.resumeSchedule),
      triggerSchedule: tolerant(ScheduleServiceService.triggerSchedule),
      backfillSchedule: tolerant(ScheduleServiceService.backfillSchedule),
      deleteSchedule: tolerant(ScheduleServiceService.deleteSchedule),
    },
    {
      createSchedule: unary(logger, (request: CreateScheduleRequest) => createSchedule(door, request)),
      getSchedule: unary(logger, (request: ScheduleRef) => getSchedule(door, request)),
      listSchedules: unary(logger, (request: ListSchedulesRequest) => listSchedules(door, request)),
      editSchedule: unary(logger, (request: EditScheduleRequest) => editSchedule(door, request)),
      pauseSchedule: unary(logger, (request: ScheduleNoteRequest) => noteSchedule('pause')(door, request)),
      resumeSchedule: unary(logger, (request: ScheduleNoteRequest) => noteSchedule('resume')(door, request)),
      triggerSchedule: unary(logger, (request: ScheduleRef) => triggerSchedule(door, request)),
      backfillSchedule: unary(logger, (request: BackfillScheduleRequest) => backfillSchedule(door, request)),
      deleteSchedule: unary(logger, (request: ScheduleRef) => deleteSchedule(door, request)),
    },
  )
}
