/** A page of the replay of a task. */
import { evolve, NO_TASK, replayFrame, type ReplayFrame, type TaskState } from '@tasker/core'
import type { Engine, TaskSnapshot } from '../engine/api.js'
import { pastEvents } from './past-events.js'

export interface ReplayPage {
  readonly frames: readonly ReplayFrame[]
  /** Frames behind this version are left; undefined when none are. */
  readonly nextAfterVersion: number | undefined
}

/** Frames above a version. The history is folded from its start, because a frame tells the state before it too. */
export const readReplay = async (
  engine: Pick<Engine, 'history'>,
  snapshot: TaskSnapshot,
  { afterVersion, limit }: { readonly afterVersion: number; readonly limit: number },
): Promise<ReplayPage> => {
  const frames: ReplayFrame[] = []
  let task: TaskState = NO_TASK
  for await (const recorded of pastEvents(engine, snapshot)) {
    if (frames.length === limit) return { frames, nextAfterVersion: recorded.version - 1 }
    const before = task
    task = evolve(before, recorded.event, recorded.at, snapshot.state.plan)
    if (recorded.version > afterVersion && task.type === 'task') frames.push(replayFrame(before, recorded, task))
  }
  return { frames, nextAfterVersion: undefined }
}
