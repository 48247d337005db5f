/** Events of a key to the text that is stored, and back. */
import {
  durationMs,
  type KeyEvent,
  type KeyReleaseReason,
  type Namespace,
  namespaceOf,
  parseTaskId,
  type PlaceRef,
  type QueueName,
  queueName,
  stepId,
} from '@tasker/core'
import { type EncodedEvents, fieldsOf, objectsOf } from './codec.js'
import { CorruptEventError, UnknownEventError } from './codec/errors.js'
import type { EventFields } from './codec/event-fields.js'
import type { StoredCommit, StreamRef } from './port.js'

/** The stream of one key: the name of the queue that waits for it, within its namespace. */
export const keyStreamRef = (namespace: Namespace, queue: QueueName): StreamRef => ({ kind: 'key', id: `${namespace}/${queue}` })

/** The key whose stream a commit is of. */
export const keyOfStream = ({ stream, namespace }: StoredCommit): { namespace: Namespace; queue: QueueName } => ({
  namespace: namespaceOf(namespace),
  queue: queueName(stream.id.slice(namespace.length + 1)),
})

export const encodeKeyEvents = (events: readonly KeyEvent[]): EncodedEvents => ({
  types: events.map(({ type }) => type),
  text: `[${events.map((event) => JSON.stringify({ ...event, type: undefined })).join(',')}]`,
})

/** Throws `UnknownEventError` or `CorruptEventError`. */
export const decodeKeyEvents = (commit: StoredCommit): readonly KeyEvent[] => {
  const objects = objectsOf(commit)
  return commit.types.map((type, index) => readKeyEvent(type, fieldsOf(type, objects[index])))
}

const REASONS = ['attempt_ended', 'period_over', 'never_started', 'not_held'] as const satisfies readonly KeyReleaseReason[]

const readKeyEvent = (type: string, f: EventFields): KeyEvent => {
  switch (type) {
    case 'key.granted': {
      const perMs = f.optionalNumber('perMs')
      const granted = { type, ...placeOf(type, f), limit: f.number('limit') } as const
      return perMs === undefined ? granted : { ...granted, perMs: durationMs(perMs) }
    }
    case 'key.released':
      return { type, ...placeOf(type, f), reason: f.choice('reason', REASONS) }
    default:
      throw new UnknownEventError(type)
  }
}

const placeOf = (type: string, f: EventFields): PlaceRef => {
  const taskId = parseTaskId(f.text('taskId'))
  if (taskId === undefined) throw new CorruptEventError(type, 'its task is no task id')
  return { taskId, step: stepId(f.text('step')), attempt: f.number('attempt') }
}
