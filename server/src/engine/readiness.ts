/**
 * Whether this server can commit, also while nobody asks it to: when no append says so, a probe commits something small. And whether its
 * clock is the database's.
 */
import { type DurationMs, type Instant, type Partition } from '@tasker/core'
import { inBackground } from '../background.js'
import type { CommitProbe, ProbeAnswer } from '../log/port.js'
import type { Clock } from './clock.js'

export interface ReadinessSettings {
  readonly everyMs: DurationMs
  readonly silentMs: DurationMs
  readonly clockOffsetMsMax: DurationMs
}

export interface ReadinessPorts {
  readonly clock: Clock
  /** None, where a database cannot be asked: then only appends tell. */
  readonly probe: CommitProbe | undefined
  /** The ends of the owned partitions as this server wrote them; undefined while an append is under way. */
  readonly heads: () => ReadonlyMap<Partition, number> | undefined
  /** Somebody else has written. */
  readonly overtaken: (message: string) => void
}

export class Readiness {
  readonly #ports: ReadinessPorts
  readonly #settings: ReadinessSettings
  #problem: string | undefined
  #offsetMs: number | undefined
  #provedMs: number
  #stopNext: () => void = () => undefined
  #stopped = false

  constructor(ports: ReadinessPorts, settings: ReadinessSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#provedMs = ports.clock.monotonicMs()
  }

  /** Why nothing can be committed just now. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** How far this clock is ahead of the database's; undefined before the first look. */
  get clockOffsetMs(): number | undefined {
    return this.#offsetMs
  }

  get clockProblem(): string | undefined {
    const offsetMs = this.#offsetMs ?? 0
    if (Math.abs(offsetMs) <= this.#settings.clockOffsetMsMax) return undefined
    return `the clock is ${Math.round(Math.abs(offsetMs))} ms ${offsetMs > 0 ? 'ahead of' : 'behind'} the database's`
  }

  /** How long ago the last commit was acknowledged. */
  get provedAgoMs(): number {
    return this.#ports.clock.monotonicMs() - this.#provedMs
  }

  /** An append was acknowledged. */
  proved(): void {
    this.#provedMs = this.#ports.clock.monotonicMs()
    this.#problem = undefined
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    if (this.#ports.probe === undefined || this.#stopped) return
    await this.#look(this.#ports.probe)
    this.#stopNext = this.#ports.clock.after(this.#settings.everyMs, () => inBackground(this.start()))
  }

  stop(): void {
    this.#stopped = true
    this.#stopNext()
  }

  async #look(probe: CommitProbe): Promise<void> {
    const { clock } = this.#ports
    const beganMs = clock.monotonicMs()
    const sentAt = clock.now()
    const before = this.#ports.heads()
    const stopSilent = clock.after(this.#settings.silentMs, () => {
      if (this.#provedMs < beganMs) this.#problem = `the database has not committed for ${this.#settings.silentMs} ms`
    })
    const answer = await probe.probe()
    stopSilent()
    if (answer.type === 'failed') {
      // An append that went through meanwhile knows better.
      if (this.#provedMs <= beganMs) this.#problem = `the database does not commit: ${answer.message}`
      return
    }
    this.proved()
    this.#compareClocks(answer.databaseAt, sentAt, clock.now())
    this.#compareHeads(answer, before)
  }

  /** As near as the way there and back allows. */
  #compareClocks(databaseAt: Instant, sentAt: Instant, answeredAt: Instant): void {
    if (databaseAt < sentAt) this.#offsetMs = sentAt - databaseAt
    else this.#offsetMs = databaseAt > answeredAt ? answeredAt - databaseAt : 0
  }

  /** Where nothing of ours was under way, a commit beyond our last is another's. */
  #compareHeads(
    { heads }: Extract<ProbeAnswer, { type: 'committed' }>,
    before: ReadonlyMap<Partition, number> | undefined,
  ): void {
    const after = this.#ports.heads()
    if (before === undefined || after === undefined) return
    for (const [partition, seq] of heads) {
      const own = before.get(partition)
      if (own !== undefined && own === after.get(partition) && seq > own)
        this.#ports.overtaken(`partition ${partition} goes on to ${seq}, and this server wrote up to ${own}`)
    }
  }
}
