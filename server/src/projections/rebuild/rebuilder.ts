/** The rebuilds of a server: those that were asked for, those that a dead server left, and those that a new version of the rows needs. */
import { durationMs } from '@tasker/core'
import { inBackground } from '../../background.js'
import { waitOn } from '../../engine/clock.js'
import { PROJECTION_NAMES, type ProjectionName } from '../fold/names.js'
import { projectionOf } from '../fold/projections.js'
import { build, type BuilderParts, type Built, type Pace } from './builder.js'
import type { BuiltProjection, Rebuild } from './port.js'

/** Between two tries of a rebuild that failed. */
const AGAIN_MS = durationMs(1_000)

export interface RebuilderHooks {
  /** New rows are in the place of the old ones. */
  readonly swapped: (name: ProjectionName, built: Built) => void
  readonly started: (rebuild: Rebuild) => void
  readonly failed: (name: ProjectionName, error: unknown) => void
}

export interface RebuildView {
  readonly built: ReadonlyMap<string, BuiltProjection>
  readonly open: readonly Rebuild[]
  /** Why the rebuild that has its turn does not get on. */
  readonly problem: string | undefined
}

export class Rebuilder {
  readonly #parts: BuilderParts
  readonly #hooks: RebuilderHooks
  #problem: string | undefined
  #stopped = false
  /** Something was asked for since the last look. */
  #asked = false
  #wake: (() => void) | undefined
  #running: Promise<void> | undefined

  constructor(parts: Omit<BuilderParts, 'isStopped'>, hooks: RebuilderHooks) {
    this.#parts = { ...parts, isStopped: () => this.#stopped }
    this.#hooks = hooks
  }

  /** Durable when it resolves; where one is under way already, that goes on. */
  async request(name: ProjectionName): Promise<void> {
    await this.#parts.store.request(name, projectionOf(name).version)
    this.#asked = true
    this.#wake?.()
  }

  /** Rows of another version than this program's, of which the engine works, are built before it does. Nothing is projected meanwhile. */
  async beforeWork(): Promise<void> {
    for (const name of await this.#outdated()) await this.#parts.store.request(name, projectionOf(name).version)
    const open = await this.#parts.store.open()
    for (const { name } of open) if (await this.#isNeeded(name)) await this.#build(name, 'at_once')
  }

  /** The others are built beside the work. */
  start(): void {
    this.#running ??= this.#run()
    inBackground(this.#running)
  }

  async view(): Promise<RebuildView> {
    const { store } = this.#parts
    return { built: await store.built(), open: await store.open(), problem: this.#problem }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#wake?.()
    await this.#running
  }

  async #outdated(): Promise<readonly ProjectionName[]> {
    const built = await this.#parts.store.built()
    return PROJECTION_NAMES.filter((name) => built.get(name)?.version !== projectionOf(name).version)
  }

  /** A rebuild that somebody asked for of rows that are right by their version may wait. */
  async #isNeeded(name: ProjectionName): Promise<boolean> {
    return projectionOf(name).isWorkedFrom && (await this.#outdated()).includes(name)
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        this.#asked = false
        const [next] = await this.#parts.store.open()
        this.#problem = undefined
        if (next === undefined) await this.#asleep()
        else await this.#build(next.name, 'beside_work')
      } catch (error) {
        await this.#failed(error)
      }
    }
  }

  async #failed(error: unknown): Promise<void> {
    this.#problem = error instanceof Error ? error.message : String(error)
    await this.#rest()
  }

  /** To its end, through whatever is in the way meanwhile, for as long as the server runs. */
  async #build(name: ProjectionName, pace: Pace): Promise<void> {
    let last: Rebuild | undefined
    while (!this.#stopped) {
      try {
        const rebuild = await this.#begun(name)
        // One that was under way and is gone was swapped, by a call whose answer was lost.
        if (rebuild === undefined) return last && this.#hooks.swapped(name, { streams: last.streams, unreadable: 0 })
        if (last === undefined) this.#hooks.started(rebuild)
        last = rebuild
        const built = await build(rebuild, this.#parts, pace)
        this.#problem = undefined
        if (built !== undefined) return this.#hooks.swapped(name, built)
      } catch (error) {
        this.#hooks.failed(name, error)
        await this.#failed(error)
      }
    }
  }

  /** As it is stored, with its table; nothing when it is over. */
  async #begun(name: ProjectionName): Promise<Rebuild | undefined> {
    const { store } = this.#parts
    const find = async (): Promise<Rebuild | undefined> => (await store.open()).find((rebuild) => rebuild.name === name)
    const found = await find()
    if (found === undefined) return undefined
    const { version } = projectionOf(name)
    if (found.version !== version) await store.request(name, version)
    const current = found.version === version ? found : await find()
    if (current?.phase !== 'waiting') return current
    await store.begin(current)
    return find()
  }

  #asleep(): Promise<void> {
    if (this.#stopped || this.#asked) return Promise.resolve()
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }

  async #rest(): Promise<void> {
    if (!this.#stopped) await waitOn(this.#parts.clock, AGAIN_MS)
  }
}
