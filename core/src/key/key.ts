/** Keys of steps: of their places only so many are taken at once (concurrency), or in a time (rate). */
import type { DurationMs } from '../kernel/instant.js'
import type { KeyTemplate } from '../expression/key.js'
import { queueName, type QueueName } from '../queue/name.js'

export type KeyKind = 'concurrency' | 'rate'

/** What a step says of a key. */
export interface KeySpec {
  readonly kind: KeyKind
  readonly key: KeyTemplate
  /** Places that may be taken. */
  readonly limit: number
  /** How long a place of a rate stays taken after its attempt started; a place of a concurrency is taken until the attempt ends. */
  readonly perMs: DurationMs | undefined
}

/** The places that a step needs one of. */
export interface KeyLimit {
  readonly limit: number
  readonly perMs: DurationMs | undefined
}

/** A key a step waits for. */
export interface KeyGate extends KeyLimit {
  readonly kind: KeyKind
  readonly key: string
}

/** A key by its kind and text, unique within a namespace. */
export interface KeyName {
  readonly kind: KeyKind
  readonly key: string
}

const PREFIX: { readonly [Kind in KeyKind]: string } = { concurrency: 'concurrency ', rate: 'rate ' }

/** The queue of steps that wait for a place of a key. */
export const keyQueue = ({ kind, key }: KeyName): QueueName => queueName(PREFIX[kind] + key)

/** Which key a queue waits for; undefined for a queue of workers. */
export const keyOfQueue = (queue: QueueName): KeyName | undefined => {
  for (const kind of ['concurrency', 'rate'] as const)
    if (queue.startsWith(PREFIX[kind])) return { kind, key: queue.slice(PREFIX[kind].length) }
  return undefined
}
