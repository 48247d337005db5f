/**
 * Reads the whole log of a database and says what is wrong with it, knowing nothing of the server that wrote it.
 *
 * L1  Places of a partition are gapless, and where a commit was archived its place and hash are kept; versions of a stream follow each other
 *     and its chain of hashes verifies.
 * L2  A task has at most one end, and nothing after it but that it is archived.
 * L3  No step starts before it was created and what it depends on is complete, and none is completed twice.
 * L4  Attempts of a step that were not released never exceed its policy, and their numbers never repeat.
 */
import { type RecordedTaskEvent, TERMINAL_EVENTS } from '@tasker/core'
import { decodeTaskEvents } from '@tasker/server/internal/log/codec'
import { verifyChain } from '@tasker/server/internal/log/commit-hash'
import type { StoredCommit } from '@tasker/server/internal/log/port'
import { COMMIT_COLUMNS, commitOf } from '@tasker/server/internal/log/postgres/commit-rows'
import { newConnection } from '@tasker/server/internal/database'

export interface AuditedTask {
  readonly events: readonly RecordedTaskEvent[]
  /** The terminal event, or undefined. */
  readonly end: string | undefined
}

export interface LogAudit {
  /** Sentences; empty when all is well. */
  readonly problems: readonly string[]
  readonly tasks: ReadonlyMap<string, AuditedTask>
}

export interface AuditRules {
  /** By name of the template's step; the workers of a batch are made from one. Of a step's dependencies those count that came to be. */
  readonly dependencies: Readonly<Record<string, readonly string[]>>
  readonly attemptsMax: number
  /** A task whose stream a test has poisoned: its chain counts, its events do not. */
  readonly poisoned?: string
}

export const auditLog = async (databaseUrl: string, rules: AuditRules): Promise<LogAudit> => {
  const commits = await commitsOf(databaseUrl)
  const kept = await keptOf(databaseUrl)
  const problems = [...gaps(commits, kept)]
  const tasks = new Map<string, AuditedTask>()
  for (const [key, stream] of streamsOf(commits)) {
    const verdict = verifyChain(stream)
    if (verdict.type !== 'intact') {
      // What stands in it was not written by a server: it is not read.
      problems.push(`L1 the chain of ${key} is broken: ${verdict.message}`)
      continue
    }
    const [first] = stream
    if (first?.stream.kind !== 'task' || first.stream.id === rules.poisoned) continue
    const { id } = first.stream
    const events = stream.flatMap((commit) => decodeTaskEvents(commit))
    const end = events.at(-1)?.event
    if (end?.type === 'task.archived') {
      problems.push(...archivedProblems(id, stream, end, kept))
      tasks.set(id, { events, end: END_OF[end.status] })
      continue
    }
    problems.push(...endProblems(id, events), ...stepProblems(id, events, rules))
    tasks.set(id, { events, end: events.map(({ event }) => event.type).find((type) => TERMINAL_EVENTS.has(type)) })
  }
  return { problems, tasks }
}

/** The terminal event of an archived task. */
const END_OF = {
  complete: 'task.completed',
  cancelled: 'task.cancelled',
  error: 'task.failed',
  resolved_manually: 'task.resolved_manually',
} as const

/** A commit that was archived: what the log keeps of it. */
interface Kept {
  readonly partition: number
  readonly seq: number
  readonly hash: string
}

/** What is left of an archived task is its beginning and its last commit, whose link is to a commit that is kept or still there. */
const archivedProblems = (
  id: string,
  stream: readonly StoredCommit[],
  end: Extract<RecordedTaskEvent['event'], { readonly type: 'task.archived' }>,
  kept: readonly Kept[],
): readonly string[] => {
  const last = stream.at(-1)
  const before = stream.at(-2)
  const left = before === undefined ? 0 : before.firstVersion + before.types.length - 1
  const problems: string[] = []
  if (last?.firstVersion !== end.versions + 1) problems.push(`L2 ${id} was archived up to ${end.versions}, and then ended`)
  if (left === end.versions) return problems
  if (!kept.some(({ hash }) => hash === end.lastHash)) problems.push(`L1 the commit before the end of ${id} left no hash`)
  return problems
}

const keptOf = async (url: string): Promise<readonly Kept[]> => {
  const connection = newConnection({ url, applicationName: 'tests' })
  await connection.connect()
  try {
    const { rows } = await connection.query<{ partition: number; seq: string; hash: string }>(
      `select partition, seq, encode(hash, 'hex') as hash from archived_commit order by partition, seq`,
    )
    return rows.map(({ partition, seq, hash }) => ({ partition, seq: Number(seq), hash }))
  } finally {
    await connection.end()
  }
}

const ENDS_OF_ATTEMPTS: ReadonlySet<string> = new Set([
  'step.completed',
  'step.failed',
  'step.timed_out',
  'step.released',
  'step.suspended',
  'step.cancelled',
])

/** Attempts that the log has started and not ended. */
export const attemptsInFlight = ({ tasks }: LogAudit): number => {
  let count = 0
  for (const { events } of tasks.values()) {
    if (events.at(-1)?.event.type === 'task.archived') continue
    for (const { event } of events) {
      if (event.type === 'step.started') count++
      // A step that waited too long ends without an attempt that runs.
      if (event.type === 'step.timed_out' && event.kind === 'schedule_to_start') continue
      if (ENDS_OF_ATTEMPTS.has(event.type)) count--
    }
  }
  return count
}

/** How often an event of this type stands in the log. */
export const eventCount = ({ tasks }: LogAudit, type: string): number =>
  [...tasks.values()].reduce((sum, { events }) => sum + events.filter(({ event }) => event.type === type).length, 0)

/** When the first step after an instant was completed; undefined when none was. */
export const firstCompletionAfter = ({ tasks }: LogAudit, afterMs: number): number | undefined => {
  let first: number | undefined
  for (const { events } of tasks.values()) {
    for (const { at, event } of events) {
      if (event.type === 'step.completed' && at > afterMs && (first === undefined || at < first)) first = at
    }
  }
  return first
}

const commitsOf = async (url: string): Promise<readonly StoredCommit[]> => {
  const connection = newConnection({ url, applicationName: 'tests' })
  await connection.connect()
  try {
    const { rows } = await connection.query<Parameters<typeof commitOf>[0]>(
      `select ${COMMIT_COLUMNS} from event_commit order by partition, seq`,
    )
    return rows.map(commitOf)
  } finally {
    await connection.end()
  }
}

const streamsOf = (commits: readonly StoredCommit[]): ReadonlyMap<string, readonly StoredCommit[]> => {
  const streams = new Map<string, StoredCommit[]>()
  for (const commit of commits) {
    const key = `${commit.stream.kind}/${commit.stream.id}`
    const list = streams.get(key)
    if (list === undefined) streams.set(key, [commit])
    else list.push(commit)
  }
  return streams
}

const gaps = (commits: readonly StoredCommit[], kept: readonly Kept[]): readonly string[] => {
  const heads = new Map<number, number>()
  const places = [...commits, ...kept].toSorted((a, b) => a.partition - b.partition || a.seq - b.seq)
  return places.flatMap(({ partition, seq }) => {
    const expected = (heads.get(partition) ?? 0) + 1
    heads.set(partition, seq)
    return seq === expected ? [] : [`L1 partition ${partition} goes from ${expected - 1} to ${seq}`]
  })
}

const endProblems = (id: string, events: readonly RecordedTaskEvent[]): readonly string[] => {
  const ends = events.flatMap(({ event }, index) => (TERMINAL_EVENTS.has(event.type) ? [index] : []))
  if (ends.length > 1) return [`L2 ${id} ended ${ends.length} times`]
  return ends[0] !== undefined && ends[0] !== events.length - 1 ? [`L2 ${id} went on after its end`] : []
}

/** The step of the template that a worker of a batch is made from; any other is its own. */
const templateStep = (step: string): string => step.replace(/_\d+$/, '')

const stepProblems = (id: string, events: readonly RecordedTaskEvent[], rules: AuditRules): readonly string[] => {
  const problems: string[] = []
  const created = new Set<string>()
  const complete = new Set<string>()
  const numbers = new Map<string, number[]>()
  const released = new Map<string, number>()
  for (const { event } of events) {
    if (event.type === 'steps.created') for (const step of event.steps) created.add(step)
    if (event.type === 'step.completed') {
      if (complete.has(event.step)) problems.push(`L3 ${event.step} of ${id} was completed twice`)
      complete.add(event.step)
    }
    if (event.type === 'step.released' || event.type === 'step.suspended')
      released.set(event.step, (released.get(event.step) ?? 0) + 1)
    if (event.type !== 'step.started') continue
    if (!created.has(event.step)) problems.push(`L3 ${event.step} of ${id} started and was never created`)
    const needed = rules.dependencies[templateStep(event.step)] ?? []
    const missing = [...created].filter((step) => needed.includes(templateStep(step)) && !complete.has(step))
    if (missing.length > 0) problems.push(`L3 ${event.step} of ${id} started before ${missing.join(', ')}`)
    numbers.set(event.step, [...(numbers.get(event.step) ?? []), event.attempt])
  }
  for (const [step, attempts] of numbers) {
    if (new Set(attempts).size !== attempts.length) problems.push(`L4 ${step} of ${id} used an attempt number twice`)
    const counted = attempts.length - (released.get(step) ?? 0)
    if (counted > rules.attemptsMax) problems.push(`L4 ${step} of ${id} had ${counted} attempts of ${rules.attemptsMax}`)
  }
  return problems
}
