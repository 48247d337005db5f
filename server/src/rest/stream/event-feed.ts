/**
 * The events of one task for one reader, at the reader's pace.
 *
 * F1  Every event above the start comes once, in order of version.
 * F2  What arrives while the reader is busy waits in a bounded buffer; what does not fit is read from the history when the reader is ready.
 */
import { elementAt, type RecordedTaskEvent, type TaskId } from '@tasker/core'
import type { Engine } from '../../engine/api.js'
import { REST_LIMITS } from '../limits.js'

export interface EventFeed {
  /** The next events, none when `waitMs` passed without any. Throws what the engine threw. */
  next(waitMs: number): Promise<readonly RecordedTaskEvent[]>
  close(): void
}

type EngineEvents = Pick<Engine, 'follow' | 'history'>

export const openEventFeed = async (engine: EngineEvents, taskId: TaskId, afterVersion: number): Promise<EventFeed> => {
  let at = afterVersion
  let waiting: RecordedTaskEvent[] = []
  /** The highest version heard of; above `at` with nothing waiting means that the history must be read. */
  let heardOf = afterVersion
  /** More came than there was room for: the history has it, and maybe more than was heard of. */
  let unheard = false
  let wake = (): void => undefined
  const hear = (events: readonly RecordedTaskEvent[]): void => {
    for (const event of events) {
      heardOf = Math.max(heardOf, event.version)
      if (waiting.length < REST_LIMITS.streamEventsMax) waiting.push(event)
      else unheard = true
    }
    wake()
  }
  const stop = await engine.follow(taskId, afterVersion, { onEvents: hear, full: () => unheard })

  const take = async (): Promise<readonly RecordedTaskEvent[]> => {
    const fresh = waiting.filter((event) => event.version > at)
    waiting = []
    const gapless = fresh[0]?.version === at + 1
    const events = gapless ? fresh : await engine.history(taskId, at, REST_LIMITS.streamPageEvents)
    if (events.length > 0) at = elementAt(events, events.length - 1, 'events of a feed').version
    else {
      // What came while the history was read is still to be told.
      heardOf = waiting.at(-1)?.version ?? at
      unheard = false
    }
    return events
  }
  return {
    next: async (waitMs) => {
      if (heardOf <= at && !unheard) await heard(waitMs, (callback) => (wake = callback))
      return heardOf > at || unheard ? take() : []
    },
    close: () => {
      wake()
      stop()
    },
  }
}

/** Resolves when the callback it hands out is called, or when the time is over. */
const heard = (waitMs: number, handOut: (callback: () => void) => void): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, waitMs)
    handOut(() => {
      clearTimeout(timer)
      resolve()
    })
  })
