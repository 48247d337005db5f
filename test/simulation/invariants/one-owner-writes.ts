/** I27: in a partition only its last owner writes: whoever was there before leaves nothing behind the commit that took it. */
import { parseTaskId } from '@tasker/core'
import { PARTITION_ACQUIRED } from '@tasker/server/internal/log/partition-codec'
import type { InvariantOf } from './invariant.js'

export const oneOwnerWrites: InvariantOf = (violated) => {
  const owners = new Map<number, ReadonlySet<string>>()
  return {
    commit: ({ stored, writers }) => {
      const { partition, stream, types, seq } = stored
      if (types.includes(PARTITION_ACQUIRED)) owners.set(partition, writers)
      const owner = owners.get(partition)
      if (owner !== undefined && [...writers].some((writer) => owner.has(writer))) return
      violated(
        `I27 ${[...writers].join()} wrote ${stream.kind} ${stream.id} to ${partition}:${seq}, which is ${[...(owner ?? ['nobody'])].join()}'s`,
        stream.kind === 'task' ? parseTaskId(stream.id) : undefined,
      )
    },
  }
}
