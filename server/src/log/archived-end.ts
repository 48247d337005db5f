/** The last commit of an archived task, read for what links it to the commits before it, which may be gone. */
import { z } from 'zod'
import { type CommitDraft, TASK_ARCHIVED } from './port.js'

const END = z.tuple([
  z.looseObject({
    versions: z.number().int().min(1),
    lastSeq: z.number().int().min(1),
    lastHash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
])

/** What stands before `task.archived`. */
export interface ArchivedEnd {
  /** The events before it are the versions from 1 to this. */
  readonly versions: number
  /** Place and hash of the last commit before it. */
  readonly lastSeq: number
  readonly lastHash: Buffer
}

export type ArchivedEndReading = ArchivedEnd | 'none' | 'unreadable'

/** `none` for any other commit. */
export const archivedEnd = ({ types, text }: CommitDraft): ArchivedEndReading => {
  if (types[0] !== TASK_ARCHIVED) return 'none'
  const read = END.safeParse(parsed(text))
  if (!read.success || types.length !== 1) return 'unreadable'
  const [{ versions, lastSeq, lastHash }] = read.data
  return { versions, lastSeq, lastHash: Buffer.from(lastHash, 'hex') }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
