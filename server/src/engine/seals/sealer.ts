/** Seals on all partitions of a server. */
import { type DurationMs, type Partition } from '@tasker/core'
import type { SealKey } from '../../audit/seal-key.js'
import type { PublishedSeals } from '../../audit/published-seals.js'
import { Fault } from '../../faults.js'
import type { AuditReads, Ownership, SequencedCommit } from '../../log/port.js'
import type { EngineMetrics } from '../../telemetry/metrics.js'
import type { Clock } from '../clock.js'
import type { PendingCommit } from '../group-commit.js'
import type { SealLevels } from './levels.js'
import { PartitionSealer, type SealSettings } from './partition-sealer.js'
import { SealPublisher } from './seal-publisher.js'

export interface SealingPorts extends SealSettings {
  readonly key: SealKey
  /** Where seals are published; nowhere when undefined. */
  readonly published: PublishedSeals | undefined
  /** Something of the seals failed and is tried again, or works again when `message` is undefined. */
  readonly trouble: (what: 'seals' | 'published seals', message: string | undefined) => void
}

export class Sealer {
  readonly #ports: SealingPorts
  readonly #clock: Clock
  readonly #partition: (ownership: Ownership) => PartitionSealer
  readonly #partitions = new Map<Partition, PartitionSealer>()
  readonly #publisher: SealPublisher | undefined
  #problem: string | undefined

  constructor(
    ports: SealingPorts,
    reads: AuditReads,
    clock: Clock,
    metrics: EngineMetrics,
    enqueue: (commit: PendingCommit) => void,
  ) {
    this.#ports = ports
    this.#clock = clock
    const { published, key, commitsMax, afterMs } = ports
    this.#publisher = published && new SealPublisher(published, reads, clock, (message) => this.#publishing(message, metrics))
    this.#partition = (ownership) =>
      new PartitionSealer(ownership, {
        reads,
        clock,
        key,
        settings: { commitsMax, afterMs },
        enqueue,
        sealed: ({ partition, from_seq, to_seq }) => {
          metrics.sealed(to_seq - from_seq + 1)
          this.#sealing(undefined)
          this.#publisher?.sealed(partition)
        },
        failed: (partition, message) => {
          metrics.sealFailed('log')
          this.#sealing(`partition ${partition}: ${message}`)
        },
      })
  }

  own(ownership: Ownership): void {
    this.#partitions.set(ownership.partition, this.#partition(ownership))
  }

  /** Reads what is not sealed yet, in the background; seals that were not published are. */
  start(): void {
    for (const [partition, sealer] of this.#partitions) {
      sealer.start()
      this.#publisher?.sealed(partition)
    }
  }

  durable(rows: readonly SequencedCommit[]): void {
    for (const { seq, commit } of rows) this.#partitions.get(commit.partition)?.durable(seq, commit)
  }

  /** Resolves when a seal covers the place. Throws a `Fault` when that takes too long. */
  covered(partition: Partition, seq: number, timeoutMs: DurationMs): Promise<void> {
    const sealer = this.#partitions.get(partition)
    return new Promise((resolve, reject) => {
      const callOff = sealer?.whenSealed(seq, () => {
        stopTimer()
        resolve()
      })
      const stopTimer = this.#clock.after(timeoutMs, () => {
        callOff?.()
        reject(notSealed(`${partition}:${seq}`))
      })
    })
  }

  levels(): SealLevels {
    const waiting = [...this.#partitions.values()].map((sealer) => sealer.waitingMs())
    return {
      waitingMs: Math.max(0, ...waiting),
      unpublishedMs: this.#publisher?.behindMs() ?? 0,
      problem: this.#problem ?? this.#publisher?.problem,
    }
  }

  stop(): void {
    for (const sealer of this.#partitions.values()) sealer.stop()
  }

  /** After the last seal is durable. */
  async stopPublishing(): Promise<void> {
    await this.#publisher?.stop()
  }

  #sealing(message: string | undefined): void {
    if (message === this.#problem) return
    this.#problem = message
    this.#ports.trouble('seals', message)
  }

  #publishing(message: string | undefined, metrics: EngineMetrics): void {
    if (message !== undefined) metrics.sealFailed('directory')
    this.#ports.trouble('published seals', message)
  }
}

const notSealed = (place: string): Fault =>
  new Fault({
    code: 'UNAVAILABLE',
    reason: 'SEAL_NOT_MADE',
    message: `No seal covers the commit at ${place} yet.`,
    hint: 'Is the database slow? /health/detailed shows what keeps seals from being made.',
    retryable: true,
  })
