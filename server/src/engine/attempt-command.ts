/** What the engine itself says of an attempt that is out: it ran out of time, its worker is gone, it never left. */
import type { TaskCommand, TaskRefusal } from '@tasker/core'
import type { Lease } from '../dispatch/worker.js'
import type { Workers } from '../dispatch/workers.js'
import type { AttemptRef } from './api.js'
import type { StreamLoader } from './stream-loader.js'
import type { TaskRuntime } from './task-runtime.js'

export interface AttemptCommandParts {
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly workers: Workers
  readonly later: (call: () => void) => void
}

/**
 * Tried again while the log cannot be read, and when an earlier commit of the task is lost; a refusal means that the attempt is over. A start
 * that was lost may be decided again under its number meanwhile: `lease` says which of the two is meant.
 */
export const commandAttempt = (
  ref: AttemptRef,
  command: (at: TaskCommand['at']) => TaskCommand,
  parts: AttemptCommandParts,
  lease: Lease | undefined = parts.workers.lease(ref),
): void => {
  const { loader, runtime, later } = parts
  const again = (): void => commandAttempt(ref, command, parts, lease)
  loader.find(ref.taskId, (found) => {
    if (found.type === 'failed' && found.fault.detail.retryable === true) return later(again)
    if (found.type !== 'stream') return end(ref, lease, parts)
    const order = command(runtime.now(found.stream))
    runtime.apply(found.stream, order, { cause: engineCause(order.type) }, (applied) => {
      if (applied.type === 'lost' && applied.settled.reason === 'predecessor_lost') again()
      else if (applied.type === 'refused') refused(ref, lease, applied.refusal, parts)
    })
  })
}

/** An attempt that is over keeps no slot. One that is not due by now, because the wall clock went back, is timed again. */
const refused = (ref: AttemptRef, lease: Lease | undefined, { reason }: TaskRefusal, parts: AttemptCommandParts): void => {
  if (reason === 'NOT_DUE') parts.workers.timeAgain(ref)
  else end(ref, lease, parts)
}

const end = (ref: AttemptRef, lease: Lease | undefined, { workers }: AttemptCommandParts): void => {
  if (workers.lease(ref) === lease) workers.end(ref)
}

/** Who says what no worker and no caller said. */
export const engineCause = (command: TaskCommand['type']): { readonly actor: string; readonly command: string } => ({
  actor: 'engine',
  command,
})
