/** Who verifies the projected rows: a pass when somebody asks, and one after another in the background, slowly. */
import { type DurationMs, durationMs, type Instant } from '@tasker/core'
import { inBackground } from '../../background.js'
import { type Clock, waitOn } from '../../engine/clock.js'
import { PROJECTION_NAMES, type ProjectionName } from '../fold/names.js'
import type { Finding, Verification } from '../upkeep-api.js'
import { type PassParts, type PassReport, verifyPass } from './pass.js'
import type { RowDifference } from './port.js'

/** Streams of one page at most. */
const PAGE_STREAMS_MAX = 100
/** Between two passes in the background. */
const PASS_PAUSE_MS = durationMs(60_000)
/** After a pass that could not read the database. */
const AGAIN_MS = durationMs(10_000)

export interface VerifierHooks {
  /** `isFirst`: none of this projection was found before in the same pass. */
  readonly found: (difference: RowDifference, isFirst: boolean) => void
  readonly verified: (streams: number) => void
}

type Running = { -readonly [Key in keyof Verification]: Verification[Key] } & {
  differences: Map<ProjectionName, number>
}

export class Verifier {
  readonly #parts: PassParts & { readonly clock: Clock }
  readonly #hooks: VerifierHooks
  readonly #findings = new Map<ProjectionName, Finding>()
  /** How often a projection was built anew. */
  readonly #builds = new Map<ProjectionName, number>()
  #asked: Running | undefined
  readonly #work = new Set<Promise<void>>()
  #stopped = false
  readonly #stops = new Set<() => void>()

  constructor(parts: PassParts & { readonly clock: Clock }, hooks: VerifierHooks) {
    this.#parts = parts
    this.#hooks = hooks
  }

  /** Begins a pass at full speed; nothing while another that was asked for runs. */
  verify(names: readonly ProjectionName[]): Verification | undefined {
    if (this.#asked?.state === 'running') return undefined
    const run = newRun(names, this.#parts.clock.now())
    this.#asked = run
    this.#do(this.#runAsked(run))
    return run
  }

  /** The pass that was asked for last. */
  get verification(): Verification | undefined {
    return this.#asked
  }

  get findings(): ReadonlyMap<ProjectionName, Finding> {
    return this.#findings
  }

  /** New rows are in the place of those that were looked at. */
  rebuilt(name: ProjectionName): void {
    this.#findings.delete(name)
    this.#builds.set(name, (this.#builds.get(name) ?? 0) + 1)
  }

  /** One pass after another, so many streams a second. */
  start(streamsPerSecond: number): void {
    if (streamsPerSecond > 0) this.#do(this.#background(streamsPerSecond))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const stop of this.#stops) stop()
    await Promise.all(this.#work)
  }

  #do(work: Promise<void>): void {
    const done = work.finally(() => this.#work.delete(done))
    this.#work.add(done)
    inBackground(done)
  }

  async #runAsked(run: Running): Promise<void> {
    try {
      const report = await this.#pass({
        names: new Set(run.names),
        pageStreams: PAGE_STREAMS_MAX,
        newestHoursOnly: false,
        goOn: async (streams) => {
          run.streams += streams
          // Whoever waits for the event loop has a turn between two pages.
          await waitOn(this.#parts.clock, NO_TIME)
          return !this.#stopped
        },
        differs: (difference) => {
          run.differences.set(difference.projection, (run.differences.get(difference.projection) ?? 0) + 1)
          run.first ??= difference
        },
      })
      const { unreadable, firstUnreadable, notCompared } = report
      Object.assign(run, { unreadable, firstUnreadable, notCompared, state: report.complete ? 'done' : 'stopped' })
    } catch (error) {
      run.state = 'failed'
      run.problem = error instanceof Error ? error.message : String(error)
    }
    run.endedAt = this.#parts.clock.now()
  }

  async #background(streamsPerSecond: number): Promise<void> {
    const pageStreams = Math.max(1, Math.min(PAGE_STREAMS_MAX, streamsPerSecond))
    while (!this.#stopped) {
      let pauseMs = PASS_PAUSE_MS
      try {
        await this.#pass({
          names: new Set(PROJECTION_NAMES),
          pageStreams,
          newestHoursOnly: true,
          goOn: async (streams) => {
            await this.#pause(durationMs(Math.ceil((Math.max(1, streams) / streamsPerSecond) * 1_000)))
            return !this.#stopped
          },
          differs: () => undefined,
        })
      } catch {
        pauseMs = AGAIN_MS
      }
      await this.#pause(pauseMs)
    }
  }

  /** A pass that also keeps what is known to be wrong. */
  async #pass(options: Parameters<typeof verifyPass>[1]): Promise<PassReport> {
    const buildsBefore = new Map(this.#builds)
    const isSame = (name: ProjectionName): boolean => buildsBefore.get(name) === this.#builds.get(name)
    const found = new Map<ProjectionName, Finding>()
    const report = await verifyPass(this.#parts, {
      ...options,
      goOn: (streams) => {
        this.#hooks.verified(streams)
        return options.goOn(streams)
      },
      differs: (difference) => {
        const { projection } = difference
        options.differs(difference)
        if (!isSame(projection)) return
        const before = found.get(projection)
        this.#hooks.found(difference, before === undefined)
        const finding = {
          first: before?.first ?? difference,
          count: (before?.count ?? 0) + 1,
          foundAt: before?.foundAt ?? this.#parts.clock.now(),
        }
        found.set(projection, finding)
        this.#findings.set(projection, finding)
      },
    })
    if (report.complete) for (const name of options.names) if (!found.has(name) && isSame(name)) this.#findings.delete(name)
    return report
  }

  /** Ends early when the verifier stops. */
  #pause(delayMs: DurationMs): Promise<void> {
    if (this.#stopped) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        this.#stops.delete(end)
        cancel()
        resolve()
      }
      const cancel = this.#parts.clock.after(delayMs, end)
      this.#stops.add(end)
    })
  }
}

const NO_TIME = durationMs(0)

const newRun = (names: readonly ProjectionName[], startedAt: Instant): Running => ({
  state: 'running',
  names,
  startedAt,
  endedAt: undefined,
  streams: 0,
  differences: new Map(),
  first: undefined,
  unreadable: 0,
  firstUnreadable: undefined,
  notCompared: [],
  problem: undefined,
})
