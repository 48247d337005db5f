/** A task out of an archive as JSON text: as `GET /v1/tasks/{id}` had it when it ended, with its history. */
import {
  elementAt,
  existingSteps,
  instantText,
  JSON_NULL,
  type JsonText,
  jsonOf,
  type LiveTask,
  outputOf,
  type RecordedTaskEvent,
  stepViewText,
  taskResult,
  taskStatus,
  trustedJson,
} from '@tasker/core'
import { eventDataText } from '../query/event-data.js'
import type { FoundTask } from './find-archived.js'

export const archivedTaskText = ({ archive, taskId, state, version, events }: FoundTask): JsonText => {
  const { submitted } = state
  return objectOf({
    task_id: jsonOf(taskId),
    namespace: jsonOf(submitted.namespace),
    name: jsonOf(submitted.name),
    version: jsonOf(submitted.version),
    status: jsonOf(taskStatus(state)),
    priority: jsonOf(submitted.priority),
    tags: jsonOf(submitted.tags),
    initiator: jsonOf(submitted.initiator ?? null),
    source_system: jsonOf(submitted.sourceSystem ?? null),
    reason: jsonOf(submitted.reason ?? null),
    correlation_id: jsonOf(submitted.correlationId),
    idempotency_key: jsonOf(submitted.idempotencyKey ?? null),
    template_hash: jsonOf(submitted.templateHash),
    created_at: jsonOf(instantText(state.submittedAt)),
    updated_at: jsonOf(instantText(state.updatedAt)),
    ended_at: jsonOf(state.endedAt === undefined ? null : instantText(state.endedAt)),
    stream_version: jsonOf(version),
    archive: jsonOf(archive),
    context: submitted.context,
    result: state.phase === 'completed' ? taskResult(state) : JSON_NULL,
    steps: arrayOf(existingSteps(state).map((index) => stepText(state, index))),
    events: arrayOf(events.map((event) => eventText(taskId, event))),
  })
}

const stepText = (state: LiveTask, index: number): JsonText => {
  const { handler, dependencies } = elementAt(state.graph.steps, index, 'steps of the graph')
  const more = objectOf({
    handler: jsonOf(handler.callable),
    dependencies: jsonOf(dependencies),
    output: outputOf(state, index) ?? JSON_NULL,
  })
  return trustedJson(`${stepViewText(state, index).slice(0, -1)},${more.slice(1)}`)
}

const eventText = (taskId: string, { version, at, event, cause }: RecordedTaskEvent): JsonText =>
  objectOf({
    id: jsonOf(`${taskId}:${version}`),
    version: jsonOf(version),
    type: jsonOf(event.type),
    at: jsonOf(instantText(at)),
    actor: jsonOf(cause.actor),
    command: jsonOf(cause.command),
    data: eventDataText(event),
  })

const objectOf = (members: { readonly [name: string]: JsonText }): JsonText =>
  trustedJson(
    `{${Object.entries(members)
      .map(([name, value]) => `"${name}":${value}`)
      .join(',')}}`,
  )

const arrayOf = (items: readonly JsonText[]): JsonText => trustedJson(`[${items.join(',')}]`)
