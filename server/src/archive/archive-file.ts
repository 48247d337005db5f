/**
 * What an archive is made of: two objects under one name.
 *
 * F1  `NAME.jsonl.gz` is gzip of JSON Lines: a line is the proof of a task. Each line is compressed by itself, so that one can be read without
 *     the others, and `zcat` reads them all.
 * F2  `NAME.index.json` says where each line is, and holds the templates that the tasks ran on. It is put last. Without it the lines are looked
 *     through, and the templates are those of the archives beside it.
 * F3  The same tasks give the same name: an archive that a crash left without its tasks being archived is replaced by the next try.
 */
import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { type ArchivedStatus, type Instant, instantText, type TaskId } from '@tasker/core'
import { z } from 'zod'

const compress = promisify(gzip)
const decompress = promisify(gunzip)

const INDEX_FORMAT = 'tasker-archive-index-1'
const LINES = '.jsonl.gz'
const INDEX = '.index.json'

/** The document of a template that tasks of the archive ran on. */
const TEMPLATE = z.object({ hash: z.string(), content: z.string() })
export type ArchivedTemplate = z.output<typeof TEMPLATE>

const ENTRY = z.object({ task_id: z.string(), status: z.string(), ended_at: z.string(), offset: z.number(), length: z.number() })
const INDEX_TEXT = z.object({
  format: z.literal(INDEX_FORMAT),
  archive: z.string(),
  templates: z.array(TEMPLATE),
  tasks: z.array(ENTRY),
})
export type ArchiveIndex = z.output<typeof INDEX_TEXT>

/** A task on its way into an archive. */
export interface TaskToArchive {
  readonly taskId: TaskId
  readonly line: string
  readonly status: ArchivedStatus
  readonly endedAt: Instant
  readonly lastHash: Buffer
}

export interface ArchiveContent {
  readonly lines: Buffer
  readonly index: Buffer
}

export const linesName = (archive: string): string => `${archive}${LINES}`
export const indexName = (archive: string): string => `${archive}${INDEX}`

export const isIndex = (name: string): boolean => name.endsWith(INDEX)

/** The archive that an object belongs to; undefined for an object that is none's lines. */
export const archiveOfLines = (name: string): string | undefined =>
  name.endsWith(LINES) ? name.slice(0, -LINES.length) : undefined

/** A folder a namespace, then the latest end, so that names are in the order of time, and what the tasks are known by. */
export const archiveName = (namespace: string, tasks: readonly TaskToArchive[]): string => {
  const latest = tasks.reduce((max, { endedAt }) => Math.max(max, endedAt), 0)
  const content = hash('sha256', tasks.map(({ taskId, lastHash }) => `${taskId} ${lastHash.toString('hex')}`).join('\n'), 'hex')
  return `${folderOf(namespace)}/${new Date(latest).toISOString().replaceAll(/[-:.]/g, '')}-${content.slice(0, 16)}`
}

/** The earliest that all tasks of an archive had ended by, as its name says it; undefined for a name of another kind. */
export const latestEndIn = (archive: string): number | undefined => {
  const [, y, m, d, h, min, s, ms] = /\/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-[0-9a-f]{16}$/.exec(archive) ?? []
  return y === undefined ? undefined : Date.parse(`${y}-${m}-${d}T${h}:${min}:${s}.${ms}Z`)
}

/** Any namespace as one part of a path. */
const folderOf = (namespace: string): string => encodeURIComponent(namespace).replace(/^\./, '%2E')

export const archiveContent = async (
  archive: string,
  templates: readonly ArchivedTemplate[],
  tasks: readonly TaskToArchive[],
): Promise<ArchiveContent> => {
  const members: Buffer[] = []
  const entries: z.input<typeof ENTRY>[] = []
  let offset = 0
  for (const { taskId, line, status, endedAt } of tasks) {
    const member = await compress(`${line}\n`)
    members.push(member)
    entries.push({ task_id: taskId, status, ended_at: instantText(endedAt), offset, length: member.length })
    offset += member.length
  }
  const index = { format: INDEX_FORMAT, archive, templates, tasks: entries }
  return { lines: Buffer.concat(members), index: Buffer.from(`${JSON.stringify(index)}\n`) }
}

/** Throws an `Error` when it is no index. */
export const readIndex = (content: Buffer): ArchiveIndex => INDEX_TEXT.parse(JSON.parse(content.toString('utf8')))

/** The lines of a part of an archive, or of all of it. Throws an `Error` when it is not what was written. */
export const readLines = async (content: Buffer): Promise<readonly string[]> =>
  (await decompress(content))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
