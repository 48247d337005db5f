/**
 * Publishes seals: whatever the log holds and the published list does not, in order, tried again until it is there.
 *
 * P1  A seal is published after it is durable, as the log has it.
 * P2  Nothing is appended to a list that the log does not go on from: another log, or one that was cut short, is a problem for people.
 */
import { durationMs, type Partition, partitionNumber } from '@tasker/core'
import type { PublishedSeal, PublishedSeals } from '../../audit/published-seals.js'
import { sealHash } from '../../audit/seal.js'
import { sealOf } from '../../audit/seal-commit.js'
import { inBackground } from '../../background.js'
import type { AuditReads } from '../../log/port.js'
import type { Clock } from '../clock.js'

/** Between two tries. */
const RETRY_MS = durationMs(5_000)

export class SealPublisher {
  readonly #published: PublishedSeals
  readonly #reads: AuditReads
  readonly #clock: Clock
  readonly #told: (problem: string | undefined) => void
  /** Partitions with seals that may not be published, and since when. */
  readonly #waiting = new Map<Partition, number>()
  /** The last that is published, as long as nothing failed. */
  readonly #last = new Map<Partition, PublishedSeal>()
  #running: Promise<void> = Promise.resolve()
  #isRunning = false
  #stopRetry: (() => void) | undefined
  #problem: string | undefined

  constructor(published: PublishedSeals, reads: AuditReads, clock: Clock, told: (problem: string | undefined) => void) {
    this.#published = published
    this.#reads = reads
    this.#clock = clock
    this.#told = told
  }

  get problem(): string | undefined {
    return this.#problem
  }

  /** How long the oldest seal has waited. */
  behindMs(): number {
    const since = Math.min(...this.#waiting.values())
    return Number.isFinite(since) ? this.#clock.monotonicMs() - since : 0
  }

  /** The partition may have a seal that is not published. */
  sealed(partition: number): void {
    const at = partitionNumber(partition)
    if (!this.#waiting.has(at)) this.#waiting.set(at, this.#clock.monotonicMs())
    if (this.#stopRetry === undefined) this.#run()
  }

  /** What waits is tried a last time; the next server publishes what is left. */
  async stop(): Promise<void> {
    this.#callOffRetry()
    await this.#running
    this.#run()
    await this.#running
    this.#callOffRetry()
  }

  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#running = this.#publishAll()
    inBackground(this.#running)
  }

  async #publishAll(): Promise<void> {
    let problem: string | undefined
    const failed = new Set<Partition>()
    for (let partition = this.#without(failed); partition !== undefined; partition = this.#without(failed)) {
      const message = await this.#tryPartition(partition)
      if (message === undefined) continue
      failed.add(partition)
      problem ??= message
    }
    this.#isRunning = false
    this.#tell(problem)
    if (problem !== undefined) this.#retryLater()
  }

  #without(failed: ReadonlySet<Partition>): Partition | undefined {
    for (const partition of this.#waiting.keys()) if (!failed.has(partition)) return partition
    return undefined
  }

  /** What went wrong, or undefined. */
  async #tryPartition(partition: Partition): Promise<string | undefined> {
    const since = this.#waiting.get(partition)
    this.#waiting.delete(partition)
    try {
      await this.#publish(partition)
      return undefined
    } catch (error) {
      this.#last.delete(partition)
      if (since !== undefined) this.#waiting.set(partition, since)
      return `partition ${partition}: ${error instanceof Error ? error.message : String(error)}`
    }
  }

  async #publish(partition: Partition): Promise<void> {
    let last = this.#last.get(partition) ?? (await this.#lastPublished(partition))
    for await (const page of this.#reads.control(partition, last?.seq ?? 0)) {
      const seals: PublishedSeal[] = []
      for (const commit of page) {
        const seal = sealOf(commit)
        if (seal === undefined) continue
        if (last !== undefined && seal.previous !== sealHash(last.seal)) throw new Error(doesNotGoOn(last))
        last = { seq: commit.seq, seal }
        seals.push(last)
      }
      if (seals.length > 0) await this.#published.append(partition, seals)
      if (last !== undefined) this.#last.set(partition, last)
    }
  }

  /** P2. */
  async #lastPublished(partition: Partition): Promise<PublishedSeal | undefined> {
    const last = await this.#published.last(partition)
    if (last === undefined) return undefined
    for await (const [commit] of this.#reads.control(partition, last.seq - 1)) {
      const seal = commit?.seq === last.seq ? sealOf(commit) : undefined
      if (seal !== undefined && sealHash(seal) === sealHash(last.seal)) return last
      break
    }
    throw new Error(doesNotGoOn(last))
  }

  #retryLater(): void {
    this.#stopRetry ??= this.#clock.after(RETRY_MS, () => {
      this.#stopRetry = undefined
      this.#run()
    })
  }

  #callOffRetry(): void {
    this.#stopRetry?.()
    this.#stopRetry = undefined
  }

  #tell(problem: string | undefined): void {
    const isNews = problem !== undefined || this.#problem !== undefined
    this.#problem = problem
    if (isNews) this.#told(problem)
  }
}

const doesNotGoOn = ({ seq, seal }: PublishedSeal): string =>
  `a seal was published for ${seal.from_seq} to ${seal.to_seq} (at ${seq}), and the log does not go on from it`
