/** Finds a task in the archives, and folds what they hold of it, without a server or a database. */
import {
  evolve,
  NO_TASK,
  type LiveTask,
  type Plan,
  type RecordedTaskEvent,
  type TaskId,
  taskIdTime,
  type TaskState,
  type TaskSubmitted,
} from '@tasker/core'
import type { ProofDocument } from '../audit/proof.js'
import { Fault } from '../faults.js'
import { decodeTaskEvents } from '../log/codec.js'
import { planIn } from '../templates/environment.js'
import { storedPlan } from '../templates/parse.js'
import {
  type ArchivedTemplate,
  archiveOfLines,
  indexName,
  isIndex,
  latestEndIn,
  linesName,
  readIndex,
  readLines,
} from './archive-file.js'
import { type ArchivedStream, streamOfLine } from './line.js'
import type { ArchiveStore } from './store.js'

/** A task out of an archive: as it was when it ended, and every event of it. */
export interface FoundTask {
  readonly archive: string
  readonly taskId: TaskId
  readonly state: LiveTask
  readonly version: number
  readonly events: readonly RecordedTaskEvent[]
  readonly proof: ProofDocument
}

interface Line {
  readonly line: string
  readonly templates: readonly ArchivedTemplate[]
}

/** Undefined when no archive holds it. Throws a `Fault` when one that does cannot be read. */
export const findArchived = async (store: ArchiveStore, taskId: TaskId, archive?: string): Promise<FoundTask | undefined> => {
  const archives = archive === undefined ? await archivesSince(store, taskIdTime(taskId)) : [archive]
  for (const name of archives) {
    const found = await readable(name, () => lineIn(store, name, taskId))
    if (found !== undefined) return readable(name, () => Promise.resolve(folded(name, found)))
  }
  return undefined
}

/** A task did not end before it was asked for, so archives whose tasks all had are passed over. */
const archivesSince = async (store: ArchiveStore, ms: number): Promise<readonly string[]> =>
  (await store.list())
    .flatMap((name) => archiveOfLines(name) ?? [])
    .filter((name) => (latestEndIn(name) ?? ms) >= ms)
    .sort((a, b) => (latestEndIn(a) ?? 0) - (latestEndIn(b) ?? 0))

const lineIn = async (store: ArchiveStore, archive: string, taskId: TaskId): Promise<Line | undefined> => {
  const content = await store.get(indexName(archive))
  if (content === undefined) return searchedLine(store, archive, taskId)
  const { tasks, templates } = readIndex(content)
  const entry = tasks.find(({ task_id }) => task_id === taskId)
  if (entry === undefined) return undefined
  const part = await store.get(linesName(archive), { offset: entry.offset, length: entry.length })
  if (part === undefined) throw new Error('its lines are gone')
  const [line] = await readLines(part)
  return line === undefined ? undefined : { line, templates }
}

/** An archive without its index is looked through. */
const searchedLine = async (store: ArchiveStore, archive: string, taskId: TaskId): Promise<Line | undefined> => {
  const content = await store.get(linesName(archive))
  if (content === undefined) return undefined
  const lines = await readLines(content)
  const line = lines.find((candidate) => candidate.includes(`"${taskId}"`) && streamOfLine(candidate).taskId === taskId)
  return line === undefined ? undefined : { line, templates: await templatesBeside(store, archive) }
}

const templatesBeside = async (store: ArchiveStore, archive: string): Promise<readonly ArchivedTemplate[]> => {
  const folder = archive.slice(0, archive.lastIndexOf('/') + 1)
  const templates = new Map<string, ArchivedTemplate>()
  for (const name of await store.list()) {
    const content = name.startsWith(folder) && isIndex(name) ? await store.get(name) : undefined
    if (content !== undefined) for (const template of readIndex(content).templates) templates.set(template.hash, template)
  }
  return [...templates.values()]
}

const folded = (archive: string, { line, templates }: Line): FoundTask => {
  const { taskId, commits, proof }: ArchivedStream = streamOfLine(line)
  const events = commits.flatMap((commit) => decodeTaskEvents(commit))
  const [first] = events
  if (first?.event.type !== 'task.submitted') throw new Error('its history does not begin with its submission')
  const plan = planFor(templates, first.event)
  let state: TaskState = NO_TASK
  for (const { event, at } of events) state = evolve(state, event, at, plan)
  if (state.type !== 'task') throw new Error('its history is no task')
  return { archive, taskId, state, version: events.length, events, proof }
}

/** The template is proven by its hash, which stands in the history. */
const planFor = (templates: readonly ArchivedTemplate[], { templateHash, environment, name, version }: TaskSubmitted): Plan => {
  for (const { hash, content } of templates) {
    if (hash !== templateHash) continue
    const plan = planOfContent(content, environment)
    if (plan?.hash === templateHash) return plan
  }
  throw new Error(`the template ${name}@${version} that it ran on is not in the archive`)
}

/** The plan of a document under an environment; undefined when this program cannot read it. */
export const planOfContent = (content: string, environment: string | undefined): Plan | undefined => {
  const plan = storedPlan(content)
  return plan === undefined ? undefined : planIn(plan, environment)
}

const readable = async <Result>(archive: string, read: () => Promise<Result>): Promise<Result> => {
  try {
    return await read()
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault(
      {
        code: 'INTERNAL',
        reason: 'ARCHIVE_DAMAGED',
        message: `the archive ${archive} is not what was written: ${error instanceof Error ? error.message : String(error)}`,
        hint: 'take it from a backup; the hashes of its commits are in the log still',
        retryable: false,
        context: { archive },
      },
      error,
    )
  }
}
