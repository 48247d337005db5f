/** The queues that have rows and nothing in memory: they are told, and fill their windows when they are served. */
import { handlerOfQueue, instant, isFunctionQueue, type Namespace, type QueueName } from '@tasker/core'
import type { Dispatcher } from '../dispatch/dispatcher.js'
import type { ProjectionStore } from '../projections/port.js'
import type { Children } from './children/children.js'
import type { Keys } from './keys/keys.js'

export interface QueueParts {
  readonly store: ProjectionStore
  readonly keys: Keys
  readonly dispatcher: Dispatcher
  readonly children: Pick<Children, 'ready'>
}

/** Resolves with how many there are. */
export const tellQueues = async ({ store, keys, dispatcher, children }: QueueParts): Promise<number> => {
  const queues = await store.readyQueues()
  for (const { namespace, queue, waiting } of queues) {
    const handler = handlerOfQueue(queue)
    if (isFunctionQueue(queue)) await startChildren(namespace, queue, { store, children })
    else if (handler === undefined) keys.stored(namespace, queue, waiting)
    else dispatcher.stored(namespace, handler, waiting)
  }
  return queues.length
}

const PAGE_MAX = 1_000
const EVER = instant(Number.MAX_SAFE_INTEGER)

/** Steps that wait for nobody are few: those that were ready when the server before this one stopped. */
const startChildren = async (
  namespace: Namespace,
  queue: QueueName,
  { store, children }: Pick<QueueParts, 'store' | 'children'>,
): Promise<void> => {
  for (let last: Parameters<ProjectionStore['longestWaiting']>[3]; ; ) {
    const rows = await store.longestWaiting(namespace, queue, EVER, last, PAGE_MAX)
    for (const row of rows) children.ready(row)
    last = rows.at(-1)
    if (rows.length < PAGE_MAX) return
  }
}
