/** The replay of a task: its frames as they are asked for, and how its steps stand at any of them, forward and back. */
import { type ReplayFrameAnswer, replayPage, taskAnswer } from './answers.js'
import { type HttpClient } from './http-client.js'

/** Frames of one request. */
const PAGE_FRAMES = 500
/** Frames that are kept: more than any task that a person steps through. */
const FRAMES_MAX = 200_000

export interface Stand {
  readonly status: string
  readonly attempts: number
  readonly output?: { readonly text: string; readonly cut_from: number | null } | null | undefined
}

/** How the steps stand after an event, in the order in which they came to be. */
export type Stands = ReadonlyMap<string, Stand>

export const forward = (stands: Stands, { changes }: ReplayFrameAnswer): Stands => {
  const next = new Map(stands)
  for (const { step_id: step, to } of changes) next.set(step, to)
  return next
}

export const backward = (stands: Stands, { changes }: ReplayFrameAnswer): Stands => {
  const next = new Map(stands)
  for (const { step_id: step, from } of changes)
    if (from === null) next.delete(step)
    else next.set(step, from)
  return next
}

/** Reads frames behind a version, page by page, up to another. */
export async function* replayFrames(
  http: HttpClient,
  path: string,
  afterVersion: number,
  lastVersion = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<ReplayFrameAnswer> {
  let cursor = String(afterVersion)
  for (let count = 0; count < FRAMES_MAX; ) {
    const page = await http.json({ method: 'GET', path: `${path}/replay`, query: { cursor, limit: PAGE_FRAMES } }, replayPage)
    for (const frame of page.frames) {
      if (frame.version > lastVersion) return
      count++
      yield frame
    }
    if (!page.next_cursor) return
    cursor = page.next_cursor
  }
}

/** How the steps stood after a version; 0 is before the first event. */
export const standsAt = async (http: HttpClient, path: string, version: number): Promise<Stands> => {
  if (version === 0) return new Map()
  const task = await http.json({ method: 'GET', path, query: { at_version: version } }, taskAnswer)
  return new Map(task.steps.map(({ step_id: step, status, attempts }) => [step, { status, attempts }]))
}
