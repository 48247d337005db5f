/**
 * Events of a task to the text that is stored, and back.
 *
 * C1  The text is one JSON array, an object an event without its type: types stand in a column of their own.
 * C2  Users' payloads (`context`, `output`, `metadata`, cursors) go in and come out byte for byte; they are never parsed and written anew.
 * C3  An event says the version of its shape only when that is not the first; older shapes are upcast when read.
 */
import {
  type BatchRange,
  type Cause,
  invariant,
  type JsonText,
  type RecordedTaskEvent,
  sliceElements,
  sliceMembers,
  type StepsCreated,
  type TaskEvent,
  trustedJson,
  unreachable,
  versionNumber,
} from '@tasker/core'
import { callsText } from './codec/call-codec.js'
import { CorruptEventError } from './codec/errors.js'
import { EventFields } from './codec/event-fields.js'
import { functionEventText } from './codec/function-event-reader.js'
import { readTaskEvent } from './codec/task-event-reader.js'
import { newestShape, SHAPE_VERSION, upcast, UPCASTERS, type Upcasters } from './codec/upcast.js'
import type { StoredCommit } from './port.js'

export interface EncodedEvents {
  readonly types: readonly string[]
  readonly text: string
}

/** What is stored of a commit's events. `upcasters` tells the version of each shape. */
export const encodeTaskEvents = (events: readonly TaskEvent[], upcasters: Upcasters = UPCASTERS): EncodedEvents => {
  invariant(events.length > 0, 'a commit has at least one event')
  const types: string[] = []
  let text = ''
  for (const event of events) {
    const shape = newestShape(event.type, upcasters)
    const object = encodeEvent(event)
    types.push(event.type)
    text += `${text === '' ? '[' : ','}${shape === 1 ? object : withShape(object, shape)}`
  }
  return { types, text: `${text}]` }
}

/** A commit's events as readers see them. Throws `UnknownEventError` or `CorruptEventError`. */
export const decodeTaskEvents = (commit: StoredCommit, upcasters: Upcasters = UPCASTERS): readonly RecordedTaskEvent[] => {
  const objects = objectsOf(commit)
  const cause = parseCause(commit.actor, commit.cause)
  return commit.types.map((type, index) => ({
    version: versionNumber(commit.firstVersion + index),
    at: commit.at,
    event: readTaskEvent(type, fieldsOf(type, objects[index], upcasters)),
    cause,
  }))
}

/** The column `cause`: the command, and after a blank the request it answers. */
export const causeText = (cause: Cause): string =>
  cause.requestId === undefined ? cause.command : `${cause.command} ${cause.requestId}`

export const parseCause = (actor: string, text: string): Cause => {
  const blank = text.indexOf(' ')
  return blank === -1 ? { actor, command: text } : { actor, command: text.slice(0, blank), requestId: text.slice(blank + 1) }
}

/** The raw text of each event of a commit; throws when they are not as many as its types. */
export const objectsOf = (commit: StoredCommit): readonly JsonText[] => {
  const type = commit.types[0] ?? 'none'
  const objects = sliceSafely(type, commit.text, sliceElements)
  if (objects.length !== commit.types.length) {
    throw new CorruptEventError(type, `${commit.types.length} types stand beside ${objects.length} objects`)
  }
  return objects
}

/** The members of one event in the newest shape. */
export const fieldsOf = (type: string, object: JsonText | undefined, upcasters: Upcasters = UPCASTERS): EventFields =>
  new EventFields(type, upcast(type, sliceSafely(type, object ?? '', sliceMembers), upcasters))

/** Slicing takes valid JSON for granted; text that a hand has changed says so here. */
const sliceSafely = <Sliced>(type: string, text: string, slice: (text: JsonText) => Sliced): Sliced => {
  try {
    return slice(trustedJson(text))
  } catch (error) {
    throw new CorruptEventError(type, error instanceof Error ? error.message : String(error))
  }
}

const encodeEvent = (event: TaskEvent): string => {
  switch (event.type) {
    case 'step.scheduled':
      return `{"step":${JSON.stringify(event.step)},"attempt":${event.attempt}}`
    case 'step.started':
      return `{"step":${JSON.stringify(event.step)},"attempt":${event.attempt},"worker":${JSON.stringify(event.worker)}}`
    case 'step.completed': {
      const metadata = event.metadata === undefined ? '' : `,"metadata":${event.metadata}`
      return `{"step":${JSON.stringify(event.step)},"attempt":${event.attempt},"output":${event.output}${metadata}}`
    }
    case 'step.failed':
      return withRaw({ ...event, type: undefined, metadata: undefined }, { metadata: event.metadata })
    case 'step.checkpointed':
      return withRaw(
        { ...event, type: undefined, cursor: undefined, accumulated: undefined },
        { cursor: event.cursor, accumulated: event.accumulated },
      )
    case 'steps.created':
      return createdText(event)
    case 'task.submitted':
      return `${JSON.stringify({ ...event, type: undefined, context: undefined }).slice(0, -1)},"context":${event.context}}`
    case 'domain_event.recorded':
      return withRaw(
        { ...event, type: undefined, payload: undefined, metadata: undefined },
        { payload: event.payload, metadata: event.metadata },
      )
    case 'task.dead_lettered':
    case 'task.dead_letter_updated':
      return withRaw({ ...event, type: undefined, metadata: undefined }, { metadata: event.metadata })
    case 'step.completed_manually':
      return withRaw(
        { ...event, type: undefined, output: undefined, metadata: undefined },
        { output: event.output, metadata: event.metadata },
      )
    case 'effect.recorded':
    case 'signal.received':
    case 'update.received':
    case 'update.answered':
    case 'function.continued':
    case 'child.started':
    case 'child.ended':
      return functionEventText(event)
    case 'task.completed':
    case 'task.cancelled':
      return '{}'
    default:
      return JSON.stringify({ ...event, type: undefined })
  }
}

/** An object with members that are JSON text already. */
const withRaw = (object: object, raw: { readonly [name: string]: string | undefined }): string => {
  let text = JSON.stringify(object).slice(0, -1)
  for (const [name, value] of Object.entries(raw)) if (value !== undefined) text += `,"${name}":${value}`
  return `${text}}`
}

const createdText = (event: StepsCreated): string => {
  switch (event.segment) {
    case 'batches':
      return withRaw({ ...event, type: undefined, ranges: undefined }, { ranges: rangesText(event.ranges) })
    case 'calls':
      return withRaw({ ...event, type: undefined, calls: undefined }, { calls: callsText(event.calls) })
    case 'initial':
    case 'decision':
      return JSON.stringify({ ...event, type: undefined })
    default:
      return unreachable(event)
  }
}

const rangesText = (ranges: readonly BatchRange[]): string =>
  `[${ranges.map(({ id, start, end, size }) => `{"id":${JSON.stringify(id)},"start":${start},"end":${end},"size":${size}}`).join(',')}]`

const withShape = (object: string, shape: number): string =>
  object === '{}' ? `{"${SHAPE_VERSION}":${shape}}` : `{"${SHAPE_VERSION}":${shape},${object.slice(1)}`
