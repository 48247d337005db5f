/** Events of a schedule to the text that is stored, and back. */
import {
  FIRED_BY,
  FIRING_OUTCOMES,
  instant,
  type Namespace,
  namespaceOf,
  parseTaskId,
  type ScheduleDefinition,
  type ScheduleEvent,
  type ScheduleFired,
  SKIP_REASONS,
  unreachable,
} from '@tasker/core'
import { type EncodedEvents, fieldsOf, objectsOf } from './codec.js'
import { CorruptEventError, UnknownEventError } from './codec/errors.js'
import type { EventFields } from './codec/event-fields.js'
import type { StoredCommit, StreamRef } from './port.js'
import { definitionText, parseDefinition } from './schedule-definition-text.js'

export const scheduleStreamRef = (namespace: Namespace, name: string): StreamRef => ({
  kind: 'schedule',
  id: `${namespace}/${name}`,
})

/** The schedule whose stream a commit is of. */
export const scheduleOfStream = ({ stream, namespace }: StoredCommit): { namespace: Namespace; name: string } => ({
  namespace: namespaceOf(namespace),
  name: stream.id.slice(namespace.length + 1),
})

export const encodeScheduleEvents = (events: readonly ScheduleEvent[]): EncodedEvents => ({
  types: events.map(({ type }) => type),
  text: `[${events.map(encodeEvent).join(',')}]`,
})

/** Throws `UnknownEventError` or `CorruptEventError`. */
export const decodeScheduleEvents = (commit: StoredCommit): readonly ScheduleEvent[] => {
  const objects = objectsOf(commit)
  return commit.types.map((type, index) => readEvent(type, fieldsOf(type, objects[index])))
}

const encodeEvent = (event: ScheduleEvent): string => {
  if (event.type !== 'schedule.created' && event.type !== 'schedule.edited') return JSON.stringify({ ...event, type: undefined })
  const { definition, ...rest } = event
  const members = [
    ...Object.entries(rest).flatMap(([name, value]) => (name === 'type' ? [] : [`"${name}":${JSON.stringify(value)}`])),
    `"definition":${definitionText(definition)}`,
    `"context":${definition.task.context}`,
  ]
  return `{${members.join(',')}}`
}

const TYPES = [
  'schedule.created',
  'schedule.edited',
  'schedule.paused',
  'schedule.resumed',
  'schedule.fired',
  'schedule.task_started',
  'schedule.task_refused',
  'schedule.task_ended',
  'schedule.buffered',
  'schedule.skipped',
  'schedule.missed',
  'schedule.backfilled',
  'schedule.deleted',
] as const satisfies readonly ScheduleEvent['type'][]

const readEvent = (text: string, f: EventFields): ScheduleEvent => {
  const type = TYPES.find((known) => known === text)
  if (type === undefined) throw new UnknownEventError(text)
  switch (type) {
    case 'schedule.created':
      return { type, namespace: f.text('namespace'), name: f.text('name'), definition: definitionOf(type, f) }
    case 'schedule.edited':
      return { type, definition: definitionOf(type, f) }
    case 'schedule.paused':
    case 'schedule.resumed':
      return { type, note: f.text('note') }
    case 'schedule.fired':
      return firedOf(f)
    case 'schedule.task_started':
      return { type, firing: f.text('firing'), taskId: taskIdOf(type, f) }
    case 'schedule.task_refused':
      return { type, firing: f.text('firing'), reason: f.text('reason'), message: f.text('message') }
    case 'schedule.task_ended':
      return { type, firing: f.text('firing'), outcome: f.choice('outcome', FIRING_OUTCOMES) }
    case 'schedule.buffered':
      return { type, nominalAt: instantOf(f, 'nominalAt'), by: f.choice('by', FIRED_BY), cancels: f.flag('cancels') }
    case 'schedule.skipped':
      return { type, nominalAt: instantOf(f, 'nominalAt'), reason: f.choice('reason', SKIP_REASONS) }
    case 'schedule.missed':
      return { type, afterAt: instantOf(f, 'afterAt'), untilAt: instantOf(f, 'untilAt'), count: f.number('count') }
    case 'schedule.backfilled':
      return { type, fromAt: instantOf(f, 'fromAt'), untilAt: instantOf(f, 'untilAt'), count: f.number('count') }
    case 'schedule.deleted':
      return { type }
    default:
      return unreachable(type)
  }
}

const firedOf = (f: EventFields): ScheduleFired => {
  const version = f.optionalText('version')
  return {
    type: 'schedule.fired',
    firing: f.text('firing'),
    nominalAt: instantOf(f, 'nominalAt'),
    by: f.choice('by', FIRED_BY),
    template: f.text('template'),
    ...(version === undefined ? {} : { version }),
  }
}

const instantOf = (f: EventFields, name: string) => instant(f.number(name))

const taskIdOf = (type: string, f: EventFields) => {
  const taskId = parseTaskId(f.text('taskId'))
  if (taskId === undefined) throw new CorruptEventError(type, 'its task is no task id')
  return taskId
}

const definitionOf = (type: string, f: EventFields): ScheduleDefinition => {
  try {
    return parseDefinition(f.raw('definition'), f.raw('context'))
  } catch (error) {
    throw new CorruptEventError(type, error instanceof Error ? error.message : String(error))
  }
}
