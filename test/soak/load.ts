/** A steady load: so many parcels are always on their way, each submitted until it is taken and followed to its result, which is compared. */
import { isDeepStrictEqual } from 'node:util'
import { type Client, TaskerError, type TaskHandle } from '@tasker/sdk'
import { monotonicFactory } from 'ulid'
import { parcel, parcelResult } from '../support/parcel.js'

const AGAIN_MS = 100

export interface LoadSettings {
  readonly inFlight: number
  /** How long each handler takes. */
  readonly holdMs: number
}

export class Load {
  readonly #client: Client
  readonly #settings: LoadSettings
  readonly #makeId = monotonicFactory()
  readonly #acknowledged: string[] = []
  readonly #problems: string[] = []
  readonly #open = new Map<string, Promise<void>>()
  readonly #waiting = new Set<() => void>()
  #runners: readonly Promise<void>[] = []
  #next = 0
  #completed = 0
  #repeats = 0
  #stopping = false

  constructor(client: Client, settings: LoadSettings) {
    this.#client = client
    this.#settings = settings
  }

  start(): void {
    this.#runners = Array.from({ length: this.#settings.inFlight }, () => this.#run())
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

  /** Submissions sent again because their answer said so. */
  get repeats(): number {
    return this.#repeats
  }

  /** Results that were not what they must be, and errors that no repeat would cure. */
  get problems(): readonly string[] {
    return this.#problems
  }

  /** Resolves with the next result that arrives. */
  nextResult(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  /** How many tasks are acknowledged and have no result yet. */
  get open(): number {
    return this.#open.size
  }

  /** Resolves when everything that is open now has its result. */
  async openNow(): Promise<number> {
    const open = [...this.#open.values()]
    await Promise.all(open)
    return open.length
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const n = this.#next++
      const handle = await this.#submitted(n)
      if (handle === undefined) return
      this.#acknowledged.push(handle.taskId)
      const done = this.#followed(n, handle)
      this.#open.set(handle.taskId, done)
      await done
      this.#open.delete(handle.taskId)
    }
  }

  /** The same request id every time, so that it is one task however often it is sent. Undefined when the server will never take it. */
  async #submitted(n: number): Promise<TaskHandle<{ readonly ship: number }> | undefined> {
    const requestId = this.#makeId()
    const input = { n, holdMs: this.#settings.holdMs, stumbles: n % 7 === 0 }
    for (;;) {
      try {
        return await this.#client.submit(parcel, input, { requestId })
      } catch (error) {
        if (!this.#mayRepeat(error, `submission ${n}`)) return undefined
        this.#repeats++
        await pause(AGAIN_MS)
      }
    }
  }

  async #followed(n: number, handle: TaskHandle<{ readonly ship: number }>): Promise<void> {
    for (;;) {
      try {
        const result = await handle.result()
        if (!isDeepStrictEqual(result, parcelResult(n)))
          this.#problems.push(`${handle.taskId} ended with ${JSON.stringify(result)}`)
        break
      } catch (error) {
        if (!this.#mayRepeat(error, `task ${handle.taskId}`)) break
        await pause(AGAIN_MS)
      }
    }
    this.#completed++
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }

  #mayRepeat(error: unknown, what: string): boolean {
    if (error instanceof TaskerError && error.retryable) return true
    this.#problems.push(`${what}: ${error instanceof Error ? `${error.name} ${error.message}` : String(error)}`)
    return false
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
