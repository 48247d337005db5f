/** Gathers the tasks of the next archive: those of a namespace that are due, each as its proof, with the templates they ran on. */
import { type Instant, type Partition, partitionOfTask, type TaskId, taskIdTime, type TaskSubmitted } from '@tasker/core'
import { covers, proofOf, type SealedRange } from '../audit/proof.js'
import type { SealedRanges } from '../audit/read-proof.js'
import { decodeTaskEvents } from '../log/codec.js'
import { DOMAIN_EVENT, type EventLog, type StoredCommit, TASK_ARCHIVED } from '../log/port.js'
import { decodeTemplateEvents, templateStream } from '../log/template-codec.js'
import type { ArchivedTemplate, TaskToArchive } from './archive-file.js'
import { planOfContent } from './find-archived.js'
import { lineOf } from './line.js'
import type { HeldTasks } from './parts.js'
import type { EndedTask, RetentionRows } from './rows.js'

/** Characters of the lines of one archive; a single larger task is an archive of its own. */
const ARCHIVE_CHARS_MAX = 32 * 1024 * 1024

export interface GatherRequest {
  readonly namespace: string
  /** Tasks that ended before this are due. */
  readonly before: Instant
  readonly after: EndedTask | undefined
  readonly tasksMax: number
  readonly sealed: Pick<SealedRanges, 'of'>
  readonly published: ReadonlyMap<Partition, number>
}

/** A task, and what `task.archived` says of its commits. */
export interface GatheredTask extends TaskToArchive {
  readonly versions: number
  readonly commits: number
  readonly lastSeq: number
}

export interface Gathered {
  readonly tasks: readonly GatheredTask[]
  readonly templates: readonly ArchivedTemplate[]
  readonly held: HeldTasks
  /** The last of the tasks that were looked at; undefined when none is left. */
  readonly last: EndedTask | undefined
  /** The archive is full before all of them were looked at. */
  readonly isFull: boolean
}

interface GatherParts {
  readonly log: EventLog
  readonly rows: Pick<RetentionRows, 'ended'>
}

export const gather = async ({ log, rows }: GatherParts, request: GatherRequest): Promise<Gathered> => {
  const templates = new Map<string, ArchivedTemplate>()
  const tasks: GatheredTask[] = []
  const held = { unsealed: 0, unpublished: 0, refused: 0 }
  const due = await rows.ended(request.namespace, request.before, request.after, request.tasksMax)
  const found = (isFull: boolean): Gathered => ({ tasks, templates: [...templates.values()], held, last: due.at(-1), isFull })
  let chars = 0
  for (const ended of byPartition(due, log.partitionCount)) {
    // An id that is ahead of its task's end would hide how far archived ids go.
    const read = taskIdTime(ended.taskId) < request.before ? await readTask(log, ended, templates, request) : 'not_due'
    if (typeof read === 'object') {
      if (tasks.length > 0 && chars + read.line.length > ARCHIVE_CHARS_MAX) return found(true)
      tasks.push(read)
      chars += read.line.length
    } else if (read !== 'not_due') held[read]++
  }
  return found(false)
}

/** Tasks of a partition share its seals, so they are proven one after another. */
const byPartition = (due: readonly EndedTask[], partitionCount: number): readonly EndedTask[] =>
  due.toSorted((a, b) => partitionOfTask(a.taskId, partitionCount) - partitionOfTask(b.taskId, partitionCount))

type NotNow = keyof HeldTasks | 'not_due'

const readTask = async (
  log: EventLog,
  { taskId, endedAt }: EndedTask,
  templates: Map<string, ArchivedTemplate>,
  { sealed, published }: GatherRequest,
): Promise<GatheredTask | NotNow> => {
  const commits = await commitsOf(log, taskId)
  const last = commits.at(-1)
  // Its row is about to go.
  if (last === undefined || last.types[0] === TASK_ARCHIVED) return 'not_due'
  if (commits.some(({ partition, seq, types }) => types.includes(DOMAIN_EVENT) && seq > (published.get(partition) ?? 0)))
    return 'unpublished'
  const ranges = await rangesOver(sealed, commits)
  if (ranges === undefined) return 'unsealed'
  const submitted = submissionIn(commits)
  const template = submitted === undefined ? undefined : await templateOf(log, submitted, templates)
  const status = statusIn(last)
  if (template === undefined || status === undefined) return 'refused'
  templates.set(template.hash, template)
  return {
    taskId,
    line: lineOf(proofOf(taskId, commits, ranges)),
    status,
    endedAt,
    lastHash: last.hash,
    lastSeq: last.seq,
    versions: last.firstVersion + last.types.length - 1,
    commits: commits.length,
  }
}

/** The sealed ranges of all commits; undefined when one is not sealed yet. */
const rangesOver = async (
  sealed: GatherRequest['sealed'],
  commits: readonly StoredCommit[],
): Promise<readonly SealedRange[] | undefined> => {
  const ranges: SealedRange[] = []
  for (const { partition, seq } of commits) {
    if (ranges.some(({ seal }) => covers(seal, { partition, seq }))) continue
    const range = await sealed.of(partition, seq)
    if (range === undefined) return undefined
    ranges.push(range)
  }
  return ranges
}

export const commitsOf = async (log: EventLog, taskId: TaskId): Promise<readonly StoredCommit[]> => {
  const commits: StoredCommit[] = []
  for await (const page of log.readStream({ kind: 'task', id: taskId }, 1)) commits.push(...page)
  return commits
}

const STATUS_OF = new Map<string, TaskToArchive['status']>([
  ['task.completed', 'complete'],
  ['task.cancelled', 'cancelled'],
  ['task.failed', 'error'],
  ['task.resolved_manually', 'resolved_manually'],
])

const statusIn = ({ types }: StoredCommit): TaskToArchive['status'] | undefined => STATUS_OF.get(types.at(-1) ?? '')

const submissionIn = ([first]: readonly StoredCommit[]): TaskSubmitted | undefined => {
  if (first === undefined) return undefined
  try {
    const event = decodeTaskEvents(first)[0]?.event
    return event?.type === 'task.submitted' ? event : undefined
  } catch {
    return undefined
  }
}

/** The document that the task ran on, whatever took its place since. */
const templateOf = async (
  log: EventLog,
  { namespace, name, templateHash, environment }: TaskSubmitted,
  known: ReadonlyMap<string, ArchivedTemplate>,
): Promise<ArchivedTemplate | undefined> => {
  const there = known.get(templateHash)
  if (there !== undefined) return there
  for await (const page of log.readStream(templateStream(namespace, name), 1)) {
    for (const { content } of page.flatMap((commit) => decodeTemplateEvents(commit))) {
      if (planOfContent(content, environment)?.hash === templateHash) return { hash: templateHash, content }
    }
  }
  return undefined
}
