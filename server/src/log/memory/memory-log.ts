/** The event log in memory: for tests and simulation, deterministic, with faults on order. */
import type { Partition } from '@tasker/core'
import { invariant, unreachable } from '@tasker/core'
import { acquirePartition, type PartitionTip } from '../acquire.js'
import { illFormedPart } from '../content.js'
import { epochOf } from '../partition-codec.js'
import {
  DOMAIN_EVENT,
  type AppendResult,
  type CommitDraft,
  type EventLog,
  type IdRange,
  type SequencedCommit,
  type StoredCommit,
  type StreamKind,
  type StreamRef,
  type StreamStart,
  TASK_ARCHIVED,
} from '../port.js'
import { memoryAuditReads } from './memory-audit.js'

/** What shall become of one append. */
export type AppendFate =
  | { readonly type: 'delivered' }
  | { readonly type: 'refused'; readonly message: string }
  /** Nothing is written. */
  | { readonly type: 'unavailable' }
  /** The answer is lost: nothing is written, all is written before, or all is written once `later` resolves, if it still can. */
  | { readonly type: 'unknown'; readonly written: 'never' | 'before' }
  | { readonly type: 'unknown'; readonly written: 'later'; readonly later: Promise<void> }

/** Decides on faults; the log asks it before each act and waits for its promise, so slowness is the policy's too. */
export interface FaultPolicy {
  append(rows: readonly SequencedCommit[]): AppendFate | Promise<AppendFate>
  /** Rejects to make the read fail. */
  read(): void | Promise<void>
}

export interface MemoryLogOptions {
  readonly partitionCount: number
  readonly faults?: FaultPolicy
  /** Commits of a page; small ones make tests of paging cheap. */
  readonly pageCommits?: number
}

export interface MemoryLog extends EventLog {
  /** Everything that is written, partition by partition. */
  all(): readonly StoredCommit[]
  /** Everything that is written, in the order in which it was. */
  written(): readonly StoredCommit[]
}

const PAGE_COMMITS = 500
const START_COMMITS = 20

const DELIVERED: AppendFate = { type: 'delivered' }
const NO_FAULTS: FaultPolicy = { append: () => DELIVERED, read: () => undefined }

export const memoryLog = ({ partitionCount, faults = NO_FAULTS, pageCommits = PAGE_COMMITS }: MemoryLogOptions): MemoryLog => {
  const store = new CommitStore()
  let closed = false

  const append = async (rows: readonly SequencedCommit[]): Promise<AppendResult> => {
    if (rows.length === 0) return { type: 'appended' }
    const fate = await faults.append(rows)
    if (closed) return { type: 'unavailable', message: 'the log is closed' }
    switch (fate.type) {
      case 'delivered':
        return store.write(rows)
      case 'refused':
        return fate
      case 'unavailable':
        return { type: 'unavailable', message: 'the log is away' }
      case 'unknown':
        if (fate.written === 'before') store.write(rows)
        if (fate.written === 'later') fate.later.then(() => store.write(rows)).catch(() => undefined)
        return { type: 'unknown', message: 'the answer was lost' }
      default:
        return unreachable(fate)
    }
  }

  async function* pages<Item>(commits: () => readonly Item[]): AsyncGenerator<readonly Item[]> {
    await faults.read()
    const found = commits()
    for (let at = 0; at < found.length; at += pageCommits) {
      if (at > 0) await faults.read()
      yield found.slice(at, at + pageCommits)
    }
  }

  const tip = async (partition: Partition): Promise<PartitionTip> => {
    await faults.read()
    return { seq: store.partition(partition).length, control: store.stream({ kind: 'partition', id: String(partition) }).at(-1) }
  }

  return {
    partitionCount,
    audit: memoryAuditReads(store, partitionCount, pages, () => faults.read()),
    append,
    readStream: (stream, fromVersion) =>
      pages(() => store.stream(stream).filter((commit) => commit.firstVersion + commit.types.length > fromVersion)),
    readStarts: async (kind, ids) => {
      await faults.read()
      return startsIn(store, kind, ids)
    },
    readKind: (kind, ids) => pages(() => store.kind(kind, ids)),
    readPartition: (partition, afterSeq) => pages(() => store.partition(partition).slice(afterSeq)),
    readDomainEvents: (partition, afterSeq) =>
      pages(() =>
        store
          .partition(partition)
          .slice(afterSeq)
          .filter(({ types }) => types.includes(DOMAIN_EVENT)),
      ),
    head: async (partition) => {
      const { seq, control } = await tip(partition)
      return { seq, epoch: control === undefined ? 0 : epochOf(control) }
    },
    newestArchivedTask: async () => {
      await faults.read()
      return newestArchivedIn(store)
    },
    acquire: (partition, node, at) => acquirePartition({ append, tip }, partition, node, at),
    close: () => {
      closed = true
      return Promise.resolve()
    },
    all: () => store.all(),
    written: () => store.written,
  }
}

const startsIn = (store: CommitStore, kind: StreamKind, ids: readonly string[]): ReadonlyMap<string, StreamStart> => {
  const found = ids.map((id) => [id, store.stream({ kind, id })] as const).filter(([, commits]) => commits.length > 0)
  return new Map(
    found.map(([id, commits]) => [id, { commits: commits.slice(0, START_COMMITS), whole: commits.length <= START_COMMITS }]),
  )
}

const newestArchivedIn = (store: CommitStore): string | undefined =>
  store
    .kind('task')
    .flatMap(({ types, stream }) => (types.includes(TASK_ARCHIVED) ? [stream.id] : []))
    .at(-1)

/** The table and its two keys. */
class CommitStore {
  readonly #partitions = new Map<Partition, StoredCommit[]>()
  readonly #streams = new Map<string, StoredCommit[]>()
  readonly written: StoredCommit[] = []

  /** All rows or none. */
  write(rows: readonly SequencedCommit[]): AppendResult {
    for (const { commit } of rows) {
      const message = refusalOf(commit)
      if (message !== undefined) return { type: 'refused', message }
    }
    const places = new Set<string>()
    const versions = new Set<string>()
    for (const { seq, commit } of rows) {
      const place = `${commit.partition}:${seq}`
      const version = `${streamKey(commit.stream)}:${commit.firstVersion}`
      if (places.has(place) || this.#partitions.get(commit.partition)?.[seq - 1] !== undefined) {
        return { type: 'collided', on: { type: 'place', partition: commit.partition } }
      }
      if (versions.has(version) || this.#holds(commit)) {
        return { type: 'collided', on: { type: 'stream', stream: commit.stream } }
      }
      places.add(place)
      versions.add(version)
    }
    for (const { seq, commit } of rows) this.#insert({ ...commit, seq })
    return { type: 'appended' }
  }

  partition(partition: Partition): readonly StoredCommit[] {
    return this.#partitions.get(partition) ?? []
  }

  stream(stream: StreamRef): readonly StoredCommit[] {
    return this.#streams.get(streamKey(stream)) ?? []
  }

  kind(kind: StreamKind, { after, upTo }: IdRange = { after: '' }): readonly StoredCommit[] {
    return [...this.#streams.values()]
      .filter(([first]) => first?.stream.kind === kind)
      .filter(([first]) => compareIds(first?.stream.id ?? '', after) > 0)
      .filter(([first]) => upTo === undefined || compareIds(first?.stream.id ?? '', upTo) <= 0)
      .sort(([a], [b]) => compareIds(a?.stream.id ?? '', b?.stream.id ?? ''))
      .flat()
  }

  all(): readonly StoredCommit[] {
    return [...this.#partitions].sort(([a], [b]) => a - b).flatMap(([, commits]) => commits)
  }

  #holds({ stream, firstVersion }: CommitDraft): boolean {
    return this.#streams.get(streamKey(stream))?.some((commit) => commit.firstVersion === firstVersion) ?? false
  }

  #insert(commit: StoredCommit): void {
    const partition = listIn(this.#partitions, commit.partition)
    invariant(commit.seq === partition.length + 1, `partition ${commit.partition} would have a gap before ${commit.seq}`)
    partition.push(commit)
    this.written.push(commit)
    const stream = listIn(this.#streams, streamKey(commit.stream))
    stream.push(commit)
    stream.sort((a, b) => a.firstVersion - b.firstVersion)
  }
}

const refusalOf = (commit: CommitDraft): string | undefined => {
  const { stream, namespace, actor, worker, cause, text, types } = commit
  const keepable = ![stream.id, namespace, actor, worker ?? '', cause, text, ...types].some((part) => part.includes('\0'))
  if (!keepable) return 'a NUL stands in the text'
  if (types.length === 0 || commit.hash.length !== 32 || commit.firstVersion < 1) return 'the commit breaks a rule of the table'
  return illFormedPart(commit)
}

const compareIds = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

const streamKey = (stream: StreamRef): string => `${stream.kind}/${stream.id}`

const listIn = <Key, Item>(lists: Map<Key, Item[]>, key: Key): Item[] => {
  const list = lists.get(key)
  if (list !== undefined) return list
  const empty: Item[] = []
  lists.set(key, empty)
  return empty
}
