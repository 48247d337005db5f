/**
 * Puts seals on one partition: leaves as commits become durable, a seal when there are enough of them or one is old enough.
 *
 * Z1  Every place after the last seal becomes a leaf exactly once, in order: from the engine while it keeps up, from the log where it does not.
 * Z2  A seal covers durable commits alone, and its own commit comes behind them: the one after it covers that commit.
 * Z3  One seal is on its way at a time; the next is linked to it when it is durable.
 * Z4  Commits that are seals are no reason for another, or a partition at rest would be sealed for ever.
 * Z5  A seal that is lost while the partition is ours is made anew from what the log holds.
 * Z6  Memory is bounded: a root of each whole subtree, and nothing of commits that came while it could not take them.
 */
import { type DurationMs, durationMs, type Partition } from '@tasker/core'
import { inBackground } from '../../background.js'
import { leafHash, MerkleFrontier, merkleHex } from '../../audit/merkle.js'
import { NO_PREVIOUS_SEAL, type Seal, sealHash, signSeal } from '../../audit/seal.js'
import { sealDraft, sealOf } from '../../audit/seal-commit.js'
import type { SealKey } from '../../audit/seal-key.js'
import type { AuditReads, PlacedHash, CommitDraft, Ownership } from '../../log/port.js'
import { type Clock, waitOn } from '../clock.js'
import type { PendingCommit, Settled } from '../group-commit.js'

export interface SealSettings {
  /** Commits a seal covers at most. */
  readonly commitsMax: number
  /** The oldest commit waits so long for its seal. */
  readonly afterMs: DurationMs
}

export interface PartitionSealerParts {
  readonly reads: AuditReads
  readonly clock: Clock
  readonly key: SealKey
  readonly settings: SealSettings
  readonly enqueue: (commit: PendingCommit) => void
  readonly sealed: (seal: Seal) => void
  /** A read of the log failed, or a seal was lost; it is tried again. */
  readonly failed: (partition: Partition, message: string) => void
}

/** Commits kept while the log is read up to them: what comes in between the last page and the end of reading. */
const RECENT_MAX = 1_000
/** Between two tries to read the log. */
const RETRY_MS = durationMs(1_000)

export class PartitionSealer {
  readonly partition: Partition
  readonly #parts: PartitionSealerParts
  readonly #epoch: number
  /** The end of the partition's own stream. */
  #control: CommitDraft
  #last: Seal | undefined
  #frontier = new MerkleFrontier()
  /** The place of the next leaf; 0 until the last seal was read. */
  #next = 0
  /** The highest place that is known to be durable. */
  #durable: number
  /** Whether a leaf is there that asks for a seal (Z4), and since when. */
  #waitingSince: number | undefined
  #inFlight = false
  #catchingUp = false
  /** What became durable while it caught up, as far as it is kept. */
  #recent: PlacedHash[] = []
  /** A seal is wanted as soon as it can be made. */
  #due = false
  #stopped = false
  #stopTimer: (() => void) | undefined
  #waiters: { readonly seq: number; readonly call: () => void }[] = []
  #room: (() => void) | undefined

  constructor(ownership: Ownership, parts: PartitionSealerParts) {
    this.partition = ownership.partition
    this.#parts = parts
    this.#epoch = ownership.epoch
    this.#control = ownership.control
    this.#durable = ownership.seq
  }

  /** Reads where the last seal ended and what came after it, in the background. */
  start(): void {
    this.#catchUp()
  }

  /** How long the oldest commit that wants a seal has been known to want it. */
  waitingMs(): number {
    return this.#waitingSince === undefined ? 0 : this.#parts.clock.monotonicMs() - this.#waitingSince
  }

  get lastSealedSeq(): number {
    return this.#last?.to_seq ?? 0
  }

  /** A commit of the partition is in the log. */
  durable(seq: number, { hash, stream }: CommitDraft): void {
    this.#durable = Math.max(this.#durable, seq)
    if (this.#stopped || seq < this.#next) return
    const place = { seq, hash, isSeal: stream.kind === 'partition' }
    if (seq === this.#next && !this.#catchingUp && !this.#isFull) return this.#leaf(place)
    if (this.#recent.length >= RECENT_MAX) this.#recent = []
    this.#recent.push(place)
    this.#catchUp()
  }

  /** Calls back when a seal covers this place. Returns the way to call it off. */
  whenSealed(seq: number, call: () => void): () => void {
    if (this.lastSealedSeq >= seq) {
      call()
      return () => undefined
    }
    const waiter = { seq, call }
    this.#waiters.push(waiter)
    this.#due = true
    this.#sealIfDue()
    return () => {
      this.#waiters = this.#waiters.filter((other) => other !== waiter)
    }
  }

  /** Makes a last seal of what is there; what follows is left to the next owner. */
  stop(): void {
    if (this.#stopped) return
    this.#due = true
    if (this.#waitingSince !== undefined) this.#sealIfDue()
    this.#end()
  }

  #end(): void {
    this.#stopped = true
    this.#recent = []
    this.#stopTimer?.()
    this.#room?.()
  }

  get #isFull(): boolean {
    return this.#frontier.size >= this.#parts.settings.commitsMax
  }

  #leaf({ seq, hash, isSeal }: PlacedHash): void {
    this.#frontier.add(leafHash(seq, hash))
    this.#next = seq + 1
    if (!isSeal && this.#waitingSince === undefined) this.#wantSeal()
    if (this.#isFull) this.#due = true
    this.#sealIfDue()
  }

  #wantSeal(): void {
    const { clock, settings } = this.#parts
    this.#waitingSince = clock.monotonicMs()
    this.#stopTimer?.()
    this.#stopTimer = clock.after(settings.afterMs, () => {
      this.#due = true
      this.#sealIfDue()
    })
  }

  #sealIfDue(): void {
    const isBehind = this.#catchingUp && !this.#isFull
    if (!this.#due || this.#inFlight || isBehind || this.#stopped || this.#frontier.size === 0) return
    this.#due = false
    this.#inFlight = true
    this.#stopTimer?.()
    this.#waitingSince = undefined
    const { clock, key, enqueue } = this.#parts
    const content = {
      log: this.#parts.reads.logId,
      partition: this.partition,
      epoch: this.#epoch,
      from_seq: this.lastSealedSeq + 1,
      to_seq: this.#next - 1,
      root: merkleHex(this.#frontier.root()),
      previous: this.#last === undefined ? NO_PREVIOUS_SEAL : sealHash(this.#last),
      at: clock.now(),
    }
    this.#frontier = new MerkleFrontier()
    const seal = signSeal(content, key)
    const draft = sealDraft(seal, this.#control)
    enqueue({ draft, settle: (settled) => this.#settled(seal, draft, settled) })
  }

  #settled(seal: Seal, draft: CommitDraft, settled: Settled): void {
    this.#inFlight = false
    if (settled.type === 'lost') return this.#lost(settled)
    this.#control = draft
    this.#last = seal
    this.#parts.sealed(seal)
    const done = this.#waiters.filter(({ seq }) => seq <= seal.to_seq)
    this.#waiters = this.#waiters.filter(({ seq }) => seq > seal.to_seq)
    for (const { call } of done) call()
    if (this.#waiters.length > 0 || this.#isFull) this.#due = true
    this.#sealIfDue()
    this.#room?.()
  }

  /** Z5. Whoever lost the partition is told so by others, and ends. */
  #lost({ reason, message }: Extract<Settled, { type: 'lost' }>): void {
    if (reason === 'fenced' || reason === 'stopped') return this.#end()
    this.#parts.failed(this.partition, `a seal was lost: ${message}`)
    this.#frontier = new MerkleFrontier()
    this.#next = 0
    this.#room?.()
    this.#catchUp()
  }

  #catchUp(): void {
    if (this.#catchingUp || this.#stopped) return
    this.#catchingUp = true
    inBackground(this.#readUp())
  }

  async #readUp(): Promise<void> {
    while (!this.#stopped) {
      const from = this.#next
      try {
        if (this.#next === 0) await this.#readLastSeal()
        await this.#readLeaves()
        this.#takeRecent()
        if (this.#next > this.#durable) break
      } catch (error) {
        this.#parts.failed(this.partition, error instanceof Error ? error.message : String(error))
      }
      if (this.#next <= from) await waitOn(this.#parts.clock, RETRY_MS)
    }
    this.#recent = []
    this.#catchingUp = false
    this.#sealIfDue()
  }

  #takeRecent(): void {
    const recent = this.#recent.filter(({ seq }) => seq >= this.#next)
    this.#recent = []
    for (const place of recent) if (place.seq === this.#next && !this.#isFull) this.#leaf(place)
  }

  async #readLastSeal(): Promise<void> {
    const commit = await this.#parts.reads.lastSeal(this.partition)
    const seal = commit && sealOf(commit)
    if (commit !== undefined && seal === undefined) throw new Error(`the seal at ${this.partition}:${commit.seq} cannot be read`)
    this.#last = seal
    this.#next = this.lastSealedSeq + 1
  }

  async #readLeaves(): Promise<void> {
    for await (const page of this.#parts.reads.hashes(this.partition, this.#next - 1)) {
      for (const place of page) {
        await this.#roomForLeaf()
        // A seal that was lost meanwhile began anew.
        if (this.#stopped || place.seq !== this.#next) return
        this.#leaf(place)
      }
    }
  }

  /** Z3, Z6: while a seal is on its way, no more leaves are taken than the next one may cover. */
  async #roomForLeaf(): Promise<void> {
    while (this.#isFull && !this.#stopped) {
      await new Promise<void>((resolve) => {
        this.#room = resolve
      })
      this.#room = undefined
    }
  }
}
