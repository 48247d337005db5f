/** A transport of domain events in memory, with the checkpoints of a real one, that can be away and can lose answers. */
import type { Partition } from '@tasker/core'
import type { DomainMessage } from '@tasker/server/internal/publishers/message'
import type { EventTransport, PublishBatch } from '@tasker/server/internal/publishers/transport'

/** What happens to a call; `lost` does its work, or not, and throws. */
export type Fate = 'works' | 'away' | 'lost before' | 'lost after'

export interface RecordingTransport extends EventTransport {
  /** Everything that arrived, in order. */
  readonly arrived: DomainMessage[]
  /** Moves a checkpoint as another server would. */
  move(partition: Partition, to: number): void
}

export const recordingTransport = (fate: (call: 'checkpoints' | 'publish') => Fate = () => 'works'): RecordingTransport => {
  const checkpoints = new Map<Partition, number>()
  const arrived: DomainMessage[] = []
  const send = ({ messages, moves }: PublishBatch): 'published' | 'moved' => {
    if (moves.some(({ partition, from }) => (checkpoints.get(partition) ?? 0) !== from)) return 'moved'
    arrived.push(...messages)
    for (const { partition, to } of moves) checkpoints.set(partition, to)
    return 'published'
  }
  return {
    name: 'recording',
    arrived,
    move: (partition, to) => void checkpoints.set(partition, to),
    checkpoints: async () => {
      if (fate('checkpoints') !== 'works') throw new Error('the transport is away')
      return new Map(checkpoints)
    },
    publish: async (batch) => {
      const happens = fate('publish')
      if (happens === 'works') return send(batch)
      if (happens === 'lost after') send(batch)
      throw new Error(`the transport is ${happens}`)
    },
    close: async () => undefined,
  }
}
