/** Keys as people are shown them: their limits, who has their places, and how many wait. */
import { type KeyName, keyOfQueue, type Namespace, type QueueName } from '@tasker/core'
import type { QueueWindow } from '../../dispatch/queue-window.js'
import type { KeyHolder, KeyInfo } from '../api.js'
import type { KeyStream } from './key-streams.js'
import type { Places } from './places.js'

/** Holders of one key that are named; all are counted. */
const HOLDERS_NAMED_MAX = 100

/** Every key that has a holder, or that somebody waits for. */
export const keyInfos = (streams: readonly KeyStream[], queues: readonly QueueWindow[], places: Places): readonly KeyInfo[] => {
  const keys = new Map<
    string,
    { readonly namespace: Namespace; readonly queue: QueueName; stream?: KeyStream; window?: QueueWindow }
  >()
  for (const stream of streams) {
    if (stream.state.places.size > 0) keys.set(`${stream.namespace}\n${stream.name}`, { ...refOfStream(stream), stream })
  }
  for (const window of queues) {
    const name = `${window.namespace}\n${window.queue}`
    keys.set(name, { ...refOf(window), ...keys.get(name), window })
  }
  return [...keys.values()].flatMap(({ namespace, queue, stream, window }) => {
    const name = keyOfQueue(queue)
    return name === undefined ? [] : [keyInfo(namespace, name, stream, window, places)]
  })
}

const keyInfo = (
  namespace: Namespace,
  { kind, key }: KeyName,
  stream: KeyStream | undefined,
  window: QueueWindow | undefined,
  places: Places,
): KeyInfo => {
  const next = window?.rows.peek()?.gate
  return {
    namespace,
    kind,
    key,
    limit: next?.limit ?? stream?.state.limit ?? 0,
    perMs: next?.perMs ?? stream?.state.perMs,
    held: stream?.state.places.size ?? 0,
    waiting: window?.rows.waiting ?? 0,
    holders: stream === undefined ? [] : keyHolders(stream, places, HOLDERS_NAMED_MAX),
  }
}

/** Who has places of a key, the first of them. */
export const keyHolders = (stream: KeyStream, places: Places, holdersMax: number): readonly KeyHolder[] => {
  const holders: KeyHolder[] = []
  for (const place of stream.state.places.values()) {
    if (holders.length >= holdersMax) break
    const { taskId, step, attempt, grantedAt } = place
    holders.push({ taskId, step, attempt, grantedAt, freeAt: places.find({ ...refOfStream(stream), place })?.timer?.dueAt })
  }
  return holders
}

const refOf = ({ namespace, queue }: { readonly namespace: Namespace; readonly queue: QueueName }) => ({ namespace, queue })

const refOfStream = ({ namespace, name }: KeyStream) => ({ namespace, queue: name })
