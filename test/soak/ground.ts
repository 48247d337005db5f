/** The processes of a soak run, each of which can be killed, stopped or frozen, and is there again afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningPostgres, startPostgres } from '@tasker/dev-postgres'
import { migrate } from '@tasker/server/internal/database/migrate'
import { type Address, end, freeAddress, startLiveServer, startLiveWorker } from '../support/live-server.js'
import type { RunningProgram } from '../support/processes.js'
import type { Dice } from '../simulation/dice.js'

export const FAULTS = [
  'server killed',
  'worker killed',
  'postgres killed',
  'server stopped',
  'server frozen',
  'worker frozen',
  'postgres restarted',
] as const
export type FaultKind = (typeof FAULTS)[number]

/** Shorter and longer than a worker may be silent. */
const FROZEN_MS = { server: [500, 4_000], worker: [500, 8_000] } as const

export interface GroundSettings {
  readonly graceMs: number
  readonly silenceMs: number
  readonly slots: number
}

export class Ground {
  readonly address: Address
  readonly databaseUrl: string
  readonly #dataDir: string
  readonly #settings: GroundSettings
  #postgres: RunningPostgres
  #server: RunningProgram
  #workers: RunningProgram[]

  private constructor(
    address: Address,
    dataDir: string,
    postgres: RunningPostgres,
    settings: GroundSettings,
    server: RunningProgram,
  ) {
    this.address = address
    this.databaseUrl = postgres.url
    this.#dataDir = dataDir
    this.#settings = settings
    this.#postgres = postgres
    this.#server = server
    this.#workers = []
  }

  static async open(settings: GroundSettings): Promise<Ground> {
    const dataDir = mkdtempSync(join(tmpdir(), 'tasker-soak-'))
    const postgres = await startPostgres({ dataDir, durable: true })
    await migrate(postgres.url)
    const address = await freeAddress()
    const server = await startServer(postgres.url, address, settings)
    const ground = new Ground(address, dataDir, postgres, settings, server)
    await ground.#addWorker()
    await ground.#addWorker()
    return ground
  }

  /** Resolves when everything is started again; `struck` is called once, when the fault has happened and nothing more comes from before it. */
  async strike(kind: FaultKind, dice: Dice, struck: () => void): Promise<void> {
    switch (kind) {
      case 'server killed':
      case 'server stopped': {
        await end(this.#server, kind === 'server killed' ? 'SIGKILL' : 'SIGTERM')
        await afterwards(struck)
        this.#server = await startServer(this.databaseUrl, this.address, this.#settings)
        return
      }
      case 'worker killed': {
        const worker = dice.pick(this.#workers)
        this.#workers = this.#workers.filter((other) => other !== worker)
        await end(worker, 'SIGKILL')
        await afterwards(struck)
        await this.#addWorker()
        return
      }
      case 'postgres killed':
      case 'postgres restarted': {
        await (kind === 'postgres killed' ? this.#postgres.kill9() : this.#postgres.stop())
        await afterwards(struck)
        this.#postgres = await startPostgres({ dataDir: this.#dataDir, port: this.#postgres.port, durable: true })
        return
      }
      case 'server frozen':
        return frozen(this.#server, dice.between(...FROZEN_MS.server), struck)
      case 'worker frozen':
        return frozen(dice.pick(this.#workers), dice.between(...FROZEN_MS.worker), struck)
    }
  }

  /** What the server printed last, for the report of a failure. */
  get lastWords(): string {
    return this.#server.output().slice(-LAST_WORDS_CHARS)
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) await end(worker)
    await end(this.#server)
    await this.#postgres.stop()
    rmSync(this.#dataDir, { recursive: true, force: true })
  }

  /** Ends everything at once; the data stays for whoever looks for the reason. */
  async abandon(): Promise<string> {
    for (const program of [...this.#workers, this.#server]) await end(program, 'SIGKILL')
    await this.#postgres.stop()
    return this.#dataDir
  }

  async #addWorker(): Promise<void> {
    this.#workers.push(await startLiveWorker(this.address.grpcUrl, this.#settings.slots))
  }
}

const LAST_WORDS_CHARS = 4_000

const startServer = (url: string, address: Address, { graceMs, silenceMs }: GroundSettings): Promise<RunningProgram> =>
  startLiveServer(url, address, { TASKER_WORKER_GRACE_MS: String(graceMs), TASKER_WORKER_SILENCE_MS: String(silenceMs) })

/** What was in the sockets is read first. */
const afterwards = async (call: () => void): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve))
  call()
}

const frozen = async (program: RunningProgram, ms: number, struck: () => void): Promise<void> => {
  program.kill('SIGSTOP')
  await afterwards(struck)
  await new Promise((resolve) => setTimeout(resolve, ms))
  program.kill('SIGCONT')
}
