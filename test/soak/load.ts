/**
 * A steady load and its ledger: so many tasks of all kinds are always on their way, each submitted until it is acknowledged and followed to its
 * result, which is compared with the one that follows from its input.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Client, TaskerError } from '@tasker/sdk'
import { monotonicFactory } from 'ulid'
import { type Acknowledged, WORK_KINDS, type WorkKind } from './mixed-work.js'

const AGAIN_MS = 100

export interface LoadSettings {
  readonly inFlight: number
  /** How long a handler takes at most; each task draws its own. */
  readonly holdMsMax: number
}

export class Load {
  readonly #client: Client
  readonly #settings: LoadSettings
  readonly #makeId = monotonicFactory()
  readonly #acknowledged: string[] = []
  readonly #problems: string[] = []
  readonly #refusals = new Map<string, number>()
  readonly #open = new Map<string, Promise<void>>()
  readonly #waiting = new Set<() => void>()
  #runners: readonly Promise<void>[] = []
  #next = 0
  #completed = 0
  #stopping = false
  #rest: Promise<void> | undefined

  constructor(client: Client, settings: LoadSettings) {
    this.#client = client
    this.#settings = settings
  }

  start(): void {
    this.#runners = Array.from({ length: this.#settings.inFlight }, () => this.#run())
  }

  /** Takes nothing new until the work is done; what is open goes on. So a log that is read meanwhile does not grow away. */
  async resting<Result>(work: () => Promise<Result>): Promise<Result> {
    let wake: () => void = () => undefined
    this.#rest = new Promise((resolve) => (wake = resolve))
    try {
      return await work()
    } finally {
      this.#rest = undefined
      wake()
    }
  }

  /** Takes nothing new and resolves when all that is open has its result. */
  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#runners)
  }

  /** Ids of all tasks that the server has acknowledged. */
  get acknowledged(): readonly string[] {
    return this.#acknowledged
  }

  get completed(): number {
    return this.#completed
  }

  /** How often submissions were answered with each reason and sent again. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#refusals
  }

  /** Results that were not what they must be, and errors that no repeat would cure. */
  get problems(): readonly string[] {
    return this.#problems
  }

  /** How many tasks are acknowledged and have no result yet. */
  get open(): number {
    return this.#open.size
  }

  /** Resolves with the next result that arrives. */
  nextResult(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  /** Resolves when everything that is open now has its result. */
  async openNow(): Promise<number> {
    const open = [...this.#open.values()]
    await Promise.all(open)
    return open.length
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.#rest
      if (this.#stopping) return
      const n = this.#next++
      const kind = WORK_KINDS[n % WORK_KINDS.length]
      if (kind === undefined) return
      const task = await this.#submitted(kind, n)
      if (task === undefined) return
      this.#acknowledged.push(task.taskId)
      const done = this.#followed(kind, n, task)
      this.#open.set(task.taskId, done)
      await done
      this.#open.delete(task.taskId)
    }
  }

  /** The same request id every time, so that it is one task however often it is sent. Undefined when the server will never take it. */
  async #submitted(kind: WorkKind, n: number): Promise<Acknowledged | undefined> {
    const requestId = this.#makeId()
    const { holdMsMax } = this.#settings
    const holdMs = Math.ceil((holdMsMax * (1 + ((n * 7) % 10))) / 10)
    for (;;) {
      try {
        return await kind.submit(this.#client, { n, holdMs }, requestId)
      } catch (error) {
        const reason = this.#repeatable(error, `submission ${n}`)
        if (reason === undefined) return undefined
        this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1)
        await pause(AGAIN_MS)
      }
    }
  }

  async #followed(kind: WorkKind, n: number, task: Acknowledged): Promise<void> {
    for (;;) {
      try {
        const result = await task.result()
        if (!isDeepStrictEqual(result, kind.resultOf(n))) {
          this.#problems.push(`${kind.definition.name} ${task.taskId} of ${n} ended with ${JSON.stringify(result)}`)
        }
        break
      } catch (error) {
        if (this.#repeatable(error, `${kind.definition.name} ${task.taskId}`) === undefined) break
        await pause(AGAIN_MS)
      }
    }
    this.#completed++
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  /** The reason of an error that a repeat may cure; any other is a problem. */
  #repeatable(error: unknown, what: string): string | undefined {
    if (error instanceof TaskerError && error.retryable) return error.reason
    this.#problems.push(`${what}: ${error instanceof Error ? `${error.name} ${error.message}` : String(error)}`)
    return undefined
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
