/** An event with its envelope as JSON text. */
import { instantText, type JsonText, jsonOf, type RecordedTaskEvent, type TaskId } from '@tasker/core'
import { eventDataText } from '../../query/event-data.js'
import { objectText, textOrNull } from '../json-text.js'

/** `id` is the stream and the version, unique in the whole log. */
export const eventText = (taskId: TaskId, { version, at, event, cause }: RecordedTaskEvent): JsonText =>
  objectText({
    id: jsonOf(`${taskId}:${version}`),
    task_id: jsonOf(taskId),
    version: jsonOf(version),
    type: jsonOf(event.type),
    at: jsonOf(instantText(at)),
    actor: jsonOf(cause.actor),
    command: jsonOf(cause.command),
    request_id: textOrNull(cause.requestId),
    data: eventDataText(event),
  })
