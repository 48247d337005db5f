/** The names of the queues steps wait in. */
import type { Brand } from '../kernel/brand.js'
import { handlerName, type HandlerName } from '../kernel/ids.js'

/** Unique within a namespace. */
export type QueueName = Brand<string, 'QueueName'>

const HANDLER = 'handler '

export const queueName = (text: string): QueueName => text as QueueName

/** The queue of steps that wait for a worker of a handler. */
export const handlerQueue = (handler: HandlerName): QueueName => queueName(HANDLER + handler)

const FUNCTION = 'function '

/** The queue of steps whose work is another task: they wait for nobody. */
export const functionQueue = (handler: HandlerName): QueueName => queueName(FUNCTION + handler)

export const isFunctionQueue = (queue: QueueName): boolean => queue.startsWith(FUNCTION)

/** Whose workers a queue waits for; undefined for a queue that waits for something else. */
export const handlerOfQueue = (queue: QueueName): HandlerName | undefined =>
  queue.startsWith(HANDLER) ? handlerName(queue.slice(HANDLER.length)) : undefined
