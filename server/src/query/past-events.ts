/** The events of a task one after another, page by page, up to the version it has when the reading begins. */
import type { RecordedTaskEvent } from '@tasker/core'
import type { Engine, TaskSnapshot } from '../engine/api.js'

/** Events in memory at a time. */
const PAGE_EVENTS = 500

export async function* pastEvents(
  engine: Pick<Engine, 'history'>,
  { taskId, version }: TaskSnapshot,
): AsyncGenerator<RecordedTaskEvent, void, undefined> {
  for (let last = 0; last < version; ) {
    const events = await engine.history(taskId, last, PAGE_EVENTS)
    for (const event of events) {
      if (event.version > version) return
      last = event.version
      yield event
    }
    if (events.length === 0) return
  }
}
