/** The queues that have rows and nothing in memory: they are told, and fill their windows when they are served. */
import { handlerOfQueue } from '@tasker/core'
import type { Dispatcher } from '../dispatch/dispatcher.js'
import type { ProjectionStore } from '../projections/port.js'
import type { Keys } from './keys/keys.js'

export interface QueueParts {
  readonly store: ProjectionStore
  readonly keys: Keys
  readonly dispatcher: Dispatcher
}

/** Resolves with how many there are. */
export const tellQueues = async ({ store, keys, dispatcher }: QueueParts): Promise<number> => {
  const queues = await store.readyQueues()
  for (const { namespace, queue, waiting } of queues) {
    const handler = handlerOfQueue(queue)
    if (handler === undefined) keys.stored(namespace, queue, waiting)
    else dispatcher.stored(namespace, handler, waiting)
  }
  return queues.length
}
