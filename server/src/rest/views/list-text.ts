/** Rows of the read models as JSON text. */
import { instantText, type JsonText, jsonOf, type TaskRow } from '@tasker/core'
import type { QueueInfo, UnservedQueue, WorkerInfo } from '../../engine/api.js'
import type { TaskPage } from '../../query/query.js'
import { arrayText, atOrNull, objectText, textOrNull } from '../json-text.js'

export const taskPageText = (page: TaskPage): JsonText =>
  objectText({ tasks: arrayText(page.rows.map(taskRowText)), next_cursor: textOrNull(page.nextCursor) })

const taskRowText = (row: TaskRow): JsonText =>
  objectText({
    task_id: jsonOf(row.taskId),
    namespace: jsonOf(row.namespace),
    name: jsonOf(row.name),
    version: jsonOf(row.version),
    status: jsonOf(row.status),
    priority: jsonOf(row.priority),
    tags: jsonOf(row.tags),
    initiator: textOrNull(row.initiator),
    source_system: textOrNull(row.sourceSystem),
    reason: textOrNull(row.reason),
    correlation_id: jsonOf(row.correlationId),
    created_at: jsonOf(instantText(row.createdAt)),
    updated_at: jsonOf(instantText(row.updatedAt)),
    ended_at: atOrNull(row.endedAt),
    stream_version: jsonOf(row.streamVersion),
    steps: row.steps,
  })

export const workersText = (workers: readonly WorkerInfo[]): JsonText =>
  objectText({ workers: arrayText(workers.map(workerText)) })

const workerText = (worker: WorkerInfo): JsonText =>
  jsonOf({
    worker_id: worker.workerId,
    namespace: worker.namespace,
    handlers: worker.handlers,
    slots: worker.slots,
    busy: worker.busy,
    state: worker.state,
    host: worker.host,
    sdk: worker.sdk,
    code_version: worker.codeVersion,
    connected_at: instantText(worker.connectedAt),
  })

export const queuesText = (queues: readonly QueueInfo[], unserved: readonly UnservedQueue[]): JsonText =>
  objectText({
    queues: arrayText(
      queues.map((queue) =>
        jsonOf({
          namespace: queue.namespace,
          handler: queue.handler,
          waiting: queue.waiting,
          workers: queue.workers,
          unserved_since: unservedSince(queue, unserved),
        }),
      ),
    ),
  })

/** Since when nobody has served it, once that is reported. */
const unservedSince = (queue: QueueInfo, unserved: readonly UnservedQueue[]): string | null => {
  const found = unserved.find((one) => one.namespace === queue.namespace && one.handler === queue.handler)
  return found === undefined ? null : instantText(found.since)
}
