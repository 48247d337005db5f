/** What keeps the projected rows right while a server runs: rebuilds of them, and comparisons with the log. */
import { isProjectionName, PROJECTION_NAMES, type ProjectionName } from './fold/names.js'
import { projectionOf } from './fold/projections.js'
import type { BuilderParts } from './rebuild/builder.js'
import type { RebuildStore } from './rebuild/port.js'
import { Rebuilder, type RebuilderHooks } from './rebuild/rebuilder.js'
import type { StoredRows } from './verify/port.js'
import type { Finding, ProjectionStatus, ProjectionUpkeep, Verification } from './upkeep-api.js'
import { Verifier, type VerifierHooks } from './verify/verifier.js'

export interface UpkeepPorts {
  /** Read beside the work, so that neither waits for the other's connections. */
  readonly log: BuilderParts['log']
  readonly rebuilds: RebuildStore
  readonly rows: StoredRows
  /** Of the passes in the background; 0 for none. */
  readonly verifyStreamsPerSecond: number
  readonly told: Pick<RebuilderHooks, 'started' | 'failed' | 'swapped'> & VerifierHooks
}

export class Upkeep implements ProjectionUpkeep {
  readonly names = PROJECTION_NAMES
  readonly #ports: UpkeepPorts
  readonly #rebuilder: Rebuilder
  readonly #verifier: Verifier

  /** `swapped` is told after the new rows are in their place. */
  constructor(
    ports: UpkeepPorts,
    parts: Pick<BuilderParts, 'projector' | 'clock' | 'plans' | 'checkpoints'>,
    swapped: (name: ProjectionName) => void,
  ) {
    const { log, rebuilds, rows, told } = ports
    this.#ports = ports
    this.#verifier = new Verifier({ log, stored: rows, plans: parts.plans, clock: parts.clock }, told)
    this.#rebuilder = new Rebuilder(
      { ...parts, log, store: rebuilds },
      {
        started: told.started,
        failed: told.failed,
        swapped: (name, built) => {
          this.#verifier.rebuilt(name)
          told.swapped(name, built)
          swapped(name)
        },
      },
    )
  }

  /** Before anything works from the rows. */
  beforeWork(): Promise<void> {
    return this.#rebuilder.beforeWork()
  }

  start(): void {
    this.#rebuilder.start()
    this.#verifier.start(this.#ports.verifyStreamsPerSecond)
  }

  async stop(): Promise<void> {
    await Promise.all([this.#rebuilder.stop(), this.#verifier.stop()])
  }

  async status(): Promise<readonly ProjectionStatus[]> {
    const { built, open, problem } = await this.#rebuilder.view()
    return PROJECTION_NAMES.map((name) => {
      const rebuild = open.find((one) => one.name === name)
      return {
        name,
        version: built.get(name)?.version ?? 0,
        programVersion: projectionOf(name).version,
        builtAt: built.get(name)?.builtAt,
        rebuild: rebuild && { ...rebuild, problem: rebuild === open[0] ? problem : undefined },
        finding: this.findings.get(name),
      }
    })
  }

  async rebuild(name: string): Promise<ProjectionStatus | undefined> {
    if (!isProjectionName(name)) return undefined
    await this.#rebuilder.request(name)
    return (await this.status()).find((status) => status.name === name)
  }

  verify(names: readonly ProjectionName[]): Verification | 'running' {
    return this.#verifier.verify(names.length === 0 ? PROJECTION_NAMES : names) ?? 'running'
  }

  get verification(): Verification | undefined {
    return this.#verifier.verification
  }

  get findings(): ReadonlyMap<ProjectionName, Finding> {
    return this.#verifier.findings
  }
}
