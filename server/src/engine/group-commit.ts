/**
 * Group commit: all commits that wait are appended in one statement; the next batch gathers while it is in flight.
 *
 * G1  Commits of one partition become durable in the order they were enqueued, and get gapless places.
 * G2  A commit is settled exactly once: durable, or lost with a reason. Nothing is answered before.
 * G3  When the outcome of an append is unknown, or a place is taken, the tail is read back and compared by hash before anything is
 *     settled. A commit that is found there is durable; nothing is written twice.
 * G4  A partition whose tail holds a higher epoch, or a commit that is not ours, is lost: all its waiting commits are, and none is written.
 * G5  A commit that the log refuses for its content is found by halving; the others get its place. What waits for the same stream is lost with it,
 *     because it was decided on a state that never came to be.
 */
import { durationMs, elementAt, invariant, type Partition, present, unreachable } from '@tasker/core'
import { inBackground } from '../background.js'
import type { AppendResult, CommitDraft, EventLog, Ownership, SequencedCommit, StoredCommit, StreamRef } from '../log/port.js'
import { type Clock, waitOn } from './clock.js'

export type LossReason =
  /** Another owner has the partition. */
  | 'fenced'
  /** The log will never take this content. */
  | 'refused'
  /** The stream already has this version: it was created before. */
  | 'stream_taken'
  /** An earlier commit of the same stream was lost. */
  | 'predecessor_lost'
  /** The engine stopped while the log was away. */
  | 'stopped'

export type Settled =
  | { readonly type: 'durable'; readonly seq: number }
  | { readonly type: 'lost'; readonly reason: LossReason; readonly message: string }

export interface PendingCommit {
  readonly draft: CommitDraft
  /** Called exactly once. Must not throw. */
  settle(settled: Settled): void
}

export interface GroupCommitHooks {
  /** Commits of one append are in the log and settled, in the order of their places; partitions may be mixed. */
  readonly durable?: (rows: readonly SequencedCommit[]) => void
  /** A batch is durable and all its commits are settled. */
  readonly flushed: (commits: number, appendMs: number) => void
  /** An append ended otherwise than it should. */
  readonly failed: (result: Exclude<AppendResult['type'], 'appended'>) => void
  readonly partitionLost: (partition: Partition, message: string) => void
  /** The log went away, or came back. */
  readonly logAvailable: (available: boolean, message: string) => void
}

export interface GroupCommitSettings {
  /** Commits of one append. */
  readonly batchCommitsMax: number
  /** Characters of events text of one append; a single larger commit goes alone. */
  readonly batchCharsMax: number
}

/** Collisions of one batch before the bookkeeping counts as broken; each one settles at least one commit. */
const COLLISIONS_MAX = 10_000

/** A log that has not answered for so long counts as away: callers are told, instead of waiting until its connection is given up. */
export const APPEND_SILENT_MS_MAX = durationMs(5_000)

const RETRY_DELAYS_MS = [20, 50, 100, 200, 500].map(durationMs)

export class GroupCommit {
  readonly #log: EventLog
  readonly #clock: Clock
  readonly #settings: GroupCommitSettings
  readonly #hooks: GroupCommitHooks
  /** The last place that is known to be taken, by owned partition. */
  readonly #heads = new Map<Partition, number>()
  #waiting: PendingCommit[] = []
  #waitingChars = 0
  #running = false
  #stopped = false
  #away = false
  #idleCalls: (() => void)[] = []

  constructor(log: EventLog, clock: Clock, settings: GroupCommitSettings, hooks: GroupCommitHooks) {
    this.#log = log
    this.#clock = clock
    this.#settings = settings
    this.#hooks = hooks
  }

  /** From now on commits of this partition are taken. */
  own(ownership: Ownership): void {
    this.#heads.set(ownership.partition, ownership.seq)
  }

  get waitingCommits(): number {
    return this.#waiting.length
  }

  get waitingChars(): number {
    return this.#waitingChars
  }

  /** False while the log cannot be reached. */
  get available(): boolean {
    return !this.#away
  }

  enqueue(commit: PendingCommit): void {
    this.#waiting.push(commit)
    this.#waitingChars += commit.draft.text.length
    if (this.#running) return
    this.#running = true
    queueMicrotask(() => inBackground(this.#run()))
  }

  /** Resolves when nothing waits and nothing is in flight. */
  idle(): Promise<void> {
    if (!this.#running) return Promise.resolve()
    return new Promise((resolve) => this.#idleCalls.push(resolve))
  }

  /** What can be written is written; while the log is away, what waits is lost as `stopped`. */
  stop(): Promise<void> {
    this.#stopped = true
    return this.idle()
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#take()
      const startedAt = this.#clock.monotonicMs()
      await this.#appendAll(batch, new Set())
      this.#hooks.flushed(batch.length, this.#clock.monotonicMs() - startedAt)
    }
    this.#running = false
    const calls = this.#idleCalls
    this.#idleCalls = []
    for (const call of calls) call()
  }

  #take(): PendingCommit[] {
    const { batchCommitsMax, batchCharsMax } = this.#settings
    let count = 0
    let chars = 0
    for (const commit of this.#waiting) {
      chars += commit.draft.text.length
      if (count > 0 && (count >= batchCommitsMax || chars > batchCharsMax)) break
      count++
    }
    const batch = this.#waiting.length === count ? this.#waiting : this.#waiting.slice(0, count)
    this.#waiting = this.#waiting.length === count ? [] : this.#waiting.slice(count)
    for (const commit of batch) this.#waitingChars -= commit.draft.text.length
    return batch
  }

  /** Appends what can be appended of one batch. `lostStreams` are the streams that lost a commit of this batch (G5). */
  async #appendAll(batch: readonly PendingCommit[], lostStreams: Set<string>): Promise<void> {
    let rest = batch
    let collisions = 0
    for (let tries = 0; ; tries++) {
      rest = this.#appendable(rest, lostStreams)
      if (rest.length === 0) return
      const rows = this.#number(rest)
      const result = await this.#append(rows)
      if (result.type !== 'appended') this.#hooks.failed(result.type)
      switch (result.type) {
        case 'appended':
          this.#settleDurable(rows, rest)
          return
        case 'refused':
          return this.#halve(rest, lostStreams, result.message)
        case 'collided':
          invariant(++collisions <= COLLISIONS_MAX, 'appends keep colliding with rows that the tail does not show')
          rest = await this.#reconcile(rest)
          if (result.on.type === 'stream') rest = this.#withoutTakenStream(rest, lostStreams, result.on.stream)
          break
        case 'unknown':
          rest = await this.#reconcile(rest)
          break
        case 'unavailable':
          if (this.#stopped) return this.#loseAll(rest, 'stopped', result.message)
          await this.#pause(tries)
          break
        default:
          unreachable(result)
      }
    }
  }

  async #append(rows: readonly SequencedCommit[]): Promise<AppendResult> {
    const silent = (): void => this.#setAway(true, `an append is not answered for ${APPEND_SILENT_MS_MAX} ms`)
    const stopSilent = this.#clock.after(APPEND_SILENT_MS_MAX, silent)
    const result = await this.#log.append(rows)
    stopSilent()
    this.#noteAvailability(result)
    return result
  }

  /** Takes out what can no longer be written: commits of lost partitions (G4) and of lost streams (G5). */
  #appendable(commits: readonly PendingCommit[], lostStreams: ReadonlySet<string>): readonly PendingCommit[] {
    if (lostStreams.size === 0 && commits.every((commit) => this.#heads.has(commit.draft.partition))) return commits
    return commits.filter((commit) => {
      const fenced = !this.#heads.has(commit.draft.partition)
      if (fenced) lose(commit, 'fenced', `partition ${commit.draft.partition} has another owner`)
      const orphaned = !fenced && lostStreams.has(streamKey(commit.draft))
      if (orphaned) lose(commit, 'predecessor_lost', 'an earlier commit of the stream was lost')
      return !fenced && !orphaned
    })
  }

  #number(commits: readonly PendingCommit[]): SequencedCommit[] {
    const last = new Map<Partition, number>()
    return commits.map(({ draft }) => {
      const seq = (last.get(draft.partition) ?? this.#headOf(draft.partition)) + 1
      last.set(draft.partition, seq)
      return { seq, commit: draft }
    })
  }

  #headOf(partition: Partition): number {
    return present(this.#heads.get(partition), `the head of partition ${partition}`)
  }

  #settleDurable(rows: readonly SequencedCommit[], commits: readonly PendingCommit[]): void {
    for (const { seq, commit } of rows) this.#heads.set(commit.partition, seq)
    for (let i = 0; i < commits.length; i++) {
      elementAt(commits, i, 'a settled commit').settle({ type: 'durable', seq: elementAt(rows, i, 'a settled row').seq })
    }
    this.#hooks.durable?.(rows)
  }

  async #halve(commits: readonly PendingCommit[], lostStreams: Set<string>, message: string): Promise<void> {
    if (commits.length === 1) {
      this.#loseStream(elementAt(commits, 0, 'the refused commit'), lostStreams, 'refused', message)
      return
    }
    const middle = commits.length >> 1
    await this.#appendAll(commits.slice(0, middle), lostStreams)
    await this.#appendAll(commits.slice(middle), lostStreams)
  }

  /** Reads the tails of all partitions that have a commit here, settles what is found, loses what is fenced; gives back the rest (G3, G4). */
  async #reconcile(commits: readonly PendingCommit[]): Promise<readonly PendingCommit[]> {
    const byPartition = new Map<Partition, PendingCommit[]>()
    for (const commit of commits) {
      const list = byPartition.get(commit.draft.partition)
      if (list === undefined) byPartition.set(commit.draft.partition, [commit])
      else list.push(commit)
    }
    const settled = new Set<PendingCommit>()
    for (const [partition, list] of byPartition) {
      for (const commit of await this.#reconcilePartition(partition, list)) settled.add(commit)
    }
    return commits.filter((commit) => !settled.has(commit))
  }

  async #reconcilePartition(partition: Partition, commits: readonly PendingCommit[]): Promise<readonly PendingCommit[]> {
    const tail = await this.#readTail(partition)
    if (tail === undefined) {
      for (const commit of commits) lose(commit, 'stopped', 'the engine stopped before the log could be read')
      return commits
    }
    let found = 0
    const durable: SequencedCommit[] = []
    for (const stored of tail) {
      const mine = commits[found]
      if (mine === undefined || !stored.hash.equals(mine.draft.hash)) {
        this.#losePartition(partition, describeForeign(stored))
        break
      }
      this.#heads.set(partition, stored.seq)
      mine.settle({ type: 'durable', seq: stored.seq })
      durable.push({ seq: stored.seq, commit: mine.draft })
      found++
    }
    if (durable.length > 0) this.#hooks.durable?.(durable)
    return commits.slice(0, found)
  }

  /** Everything above the known head, tried until the log answers; undefined when the engine stops meanwhile. */
  async #readTail(partition: Partition): Promise<readonly StoredCommit[] | undefined> {
    for (let tries = 0; ; tries++) {
      try {
        const tail: StoredCommit[] = []
        for await (const page of this.#log.readPartition(partition, this.#headOf(partition))) tail.push(...page)
        this.#setAway(false, '')
        return tail
      } catch (error) {
        this.#setAway(true, error instanceof Error ? error.message : String(error))
        if (this.#stopped) return undefined
        await this.#pause(tries)
      }
    }
  }

  /** The first commit of a stream that was there already is lost; what follows it in the batch is taken out by `#appendable`. */
  #withoutTakenStream(commits: readonly PendingCommit[], lostStreams: Set<string>, stream: StreamRef): readonly PendingCommit[] {
    const key = `${stream.kind}/${stream.id}`
    const taken = commits.find((commit) => streamKey(commit.draft) === key)
    if (taken === undefined) return commits
    this.#loseStream(taken, lostStreams, 'stream_taken', `the stream ${key} is there already`)
    return commits.filter((commit) => commit !== taken)
  }

  #loseStream(commit: PendingCommit, lostStreams: Set<string>, reason: LossReason, message: string): void {
    const key = streamKey(commit.draft)
    lostStreams.add(key)
    // Taken out before anybody hears of the loss: what they enqueue on hearing it is no successor.
    const successors = this.#waiting.filter((other) => streamKey(other.draft) === key)
    if (successors.length > 0) this.#waiting = this.#waiting.filter((other) => streamKey(other.draft) !== key)
    lose(commit, reason, message)
    for (const successor of successors) {
      this.#waitingChars -= successor.draft.text.length
      lose(successor, 'predecessor_lost', 'an earlier commit of the stream was lost')
    }
  }

  #losePartition(partition: Partition, message: string): void {
    this.#heads.delete(partition)
    this.#hooks.partitionLost(partition, message)
  }

  #loseAll(commits: readonly PendingCommit[], reason: LossReason, message: string): void {
    for (const commit of commits) lose(commit, reason, message)
  }

  #noteAvailability(result: AppendResult): void {
    const away = result.type === 'unavailable' || result.type === 'unknown'
    this.#setAway(away, away ? result.message : '')
  }

  #setAway(away: boolean, message: string): void {
    if (away === this.#away) return
    this.#away = away
    this.#hooks.logAvailable(!away, message)
  }

  #pause(tries: number): Promise<void> {
    return waitOn(this.#clock, elementAt(RETRY_DELAYS_MS, Math.min(tries, RETRY_DELAYS_MS.length - 1), 'a retry delay'))
  }
}

const streamKey = (draft: CommitDraft): string => `${draft.stream.kind}/${draft.stream.id}`

const lose = (commit: PendingCommit, reason: LossReason, message: string): void =>
  commit.settle({ type: 'lost', reason, message })

const describeForeign = (stored: StoredCommit): string =>
  stored.stream.kind === 'partition'
    ? `partition ${stored.partition} was taken by another server at seq ${stored.seq}: ${stored.text}`
    : `partition ${stored.partition} holds a commit of another writer at seq ${stored.seq}`
