/** I7: places are gapless, versions follow each other, and each commit carries the hash that its stream's chain asks for. */
import { parseTaskId } from '@tasker/core'
import { commitHash, NO_PREVIOUS_HASH } from '@tasker/server/internal/log/commit-hash'
import type { InvariantOf } from './invariant.js'

export const placesAndChains: InvariantOf = (violated) => {
  const places = new Map<number, number>()
  const streams = new Map<string, { version: number; hash: Buffer }>()
  return {
    commit: ({ stored }) => {
      const name = `${stored.stream.kind}/${stored.stream.id}`
      const taskId = stored.stream.kind === 'task' ? parseTaskId(stored.stream.id) : undefined
      const place = (places.get(stored.partition) ?? 0) + 1
      if (stored.seq !== place) violated(`I7 partition ${stored.partition} goes from ${place - 1} to ${stored.seq}`, taskId)
      places.set(stored.partition, stored.seq)
      const last = streams.get(name) ?? { version: 0, hash: NO_PREVIOUS_HASH }
      if (stored.firstVersion !== last.version + 1)
        violated(`I7 ${name} goes from version ${last.version} to ${stored.firstVersion}`, taskId)
      if (!commitHash(stored, last.hash).equals(stored.hash))
        violated(`I7 the chain of ${name} breaks at version ${stored.firstVersion}`, taskId)
      streams.set(name, { version: stored.firstVersion + stored.types.length - 1, hash: stored.hash })
    },
  }
}
