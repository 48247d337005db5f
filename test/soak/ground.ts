/** The processes of a soak run on a database of their own: each can be killed, stopped or cut off, and is started again by whoever did it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningPostgres, startPostgres } from '@tasker/dev-postgres'
import { Client } from '@tasker/sdk'
import { readSealKey } from '@tasker/server/internal/audit/seal-key'
import { migrate } from '@tasker/server/internal/database/migrate'
import { type Address, end, freeAddress, startLiveServer, startLiveWorker } from '../support/live-server.js'
import { noProcessTrees, signalTree } from '../support/process-tree.js'
import { query } from '../support/query.js'
import type { RunningProgram } from '../support/processes.js'
import { newKeyPem } from '../support/sealed.js'
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.js'

/** So that a run takes little disk: the log of PostgreSQL itself would otherwise grow to gigabytes. */
const PARAMETERS: Readonly<Record<string, string>> = { max_wal_size: '512MB' }
/** Short, so that faults meet seals on their way. */
const SEAL_AFTER_MS = 1_000
const LAST_WORDS_CHARS = 4_000
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

export interface GroundSettings {
  readonly workers: number
  /** Of each worker. */
  readonly slots: number
  readonly graceMs: number
  readonly silenceMs: number
  /** Whether the ways to PostgreSQL and to the server lead through proxies that can be cut. */
  readonly proxied?: boolean
  /** Where PostgreSQL keeps its data; a folder of its own, removed afterwards, when not given. */
  readonly dataDir?: string
  readonly parameters?: Readonly<Record<string, string>>
  /** More variables of the server. */
  readonly server?: Readonly<Record<string, string>>
}

export class Ground {
  /** Where the server listens. */
  readonly address: Address
  /** Straight to PostgreSQL, whatever way the server takes. */
  readonly databaseUrl: string
  readonly client: Client
  /** Where its seals are published, and the key that they are signed with. */
  readonly seals: { readonly folder: string; readonly publicKey: string }
  /** The ways that can be cut; undefined where they lead straight. */
  readonly ways: { readonly toPostgres: TcpProxy; readonly toServer: TcpProxy } | undefined
  readonly #settings: GroundSettings
  readonly #dataDir: string
  readonly #sealKey = newKeyPem()
  #postgres: RunningPostgres
  #server: RunningProgram | undefined
  #workers: readonly RunningProgram[] = []

  private constructor(
    address: Address,
    dataDir: string,
    postgres: RunningPostgres,
    settings: GroundSettings,
    ways: Ground['ways'],
  ) {
    this.address = address
    this.databaseUrl = postgres.url
    this.ways = ways
    this.client = new Client({ url: this.#serverUrl(ways), logger: silent, submitTimeout: '30s' })
    this.#dataDir = dataDir
    this.seals = {
      folder: mkdtempSync(join(tmpdir(), 'tasker-soak-seals-')),
      publicKey: readSealKey(this.#sealKey).publicKey,
    }
    this.#postgres = postgres
    this.#settings = settings
  }

  static async open(settings: GroundSettings): Promise<Ground> {
    const dataDir = settings.dataDir ?? mkdtempSync(join(tmpdir(), 'tasker-soak-'))
    const postgres = await startPostgres({ dataDir, durable: true, parameters: { ...PARAMETERS, ...settings.parameters } })
    await migrate(postgres.url)
    const address = await freeAddress()
    const ways =
      settings.proxied === true
        ? { toPostgres: await tcpProxy(postgres.port), toServer: await tcpProxy(address.grpcPort) }
        : undefined
    const ground = new Ground(address, dataDir, postgres, settings, ways)
    try {
      await ground.startServer()
      for (let n = 0; n < settings.workers; n++) await ground.addWorker()
      return ground
    } catch (error) {
      await ground.abandon()
      throw error
    }
  }

  get postgres(): RunningPostgres {
    return this.#postgres
  }

  get server(): RunningProgram {
    if (this.#server === undefined) throw new Error('no server was started')
    return this.#server
  }

  get workers(): readonly RunningProgram[] {
    return this.#workers
  }

  /** On the address of the one before, which must be gone. */
  async startServer(): Promise<RunningProgram> {
    this.#server = await startLiveServer(this.#serversDatabase(), this.address, this.serverSettings)
    return this.#server
  }

  /** The variables of the server. */
  get serverSettings(): Readonly<Record<string, string>> {
    const { graceMs, silenceMs, server = {} } = this.#settings
    return {
      TASKER_WORKER_GRACE_MS: String(graceMs),
      TASKER_WORKER_SILENCE_MS: String(silenceMs),
      TASKER_SEAL_KEY: this.#sealKey,
      TASKER_SEALS_DIR: this.seals.folder,
      TASKER_SEAL_AFTER_MS: String(SEAL_AFTER_MS),
      ...server,
    }
  }

  /** On the data and the port of the one before, which must be gone. */
  async startPostgres(): Promise<void> {
    const { port } = this.#postgres
    this.#postgres = await startPostgres({
      dataDir: this.#dataDir,
      port,
      durable: true,
      parameters: { ...PARAMETERS, ...this.#settings.parameters },
    })
  }

  /** Such as `18.4`. */
  async postgresVersion(): Promise<string> {
    const [row] = await query(this.databaseUrl, 'show server_version')
    return String(row?.['server_version'])
  }

  async addWorker(): Promise<void> {
    const worker = await startLiveWorker(this.#serverUrl(this.ways), this.#settings.slots)
    this.#workers = [...this.#workers, worker]
  }

  /** It is gone, or goes without being missed. */
  forgetWorker(worker: RunningProgram): void {
    this.#workers = this.#workers.filter((other) => other !== worker)
  }

  /** What the server printed last, for the report of a failure. */
  get lastWords(): string {
    return this.#server?.output().slice(-LAST_WORDS_CHARS) ?? ''
  }

  /** Ends everything politely and removes the data. */
  async close(): Promise<void> {
    this.client.close()
    for (const worker of this.#workers) await end(worker)
    await end(this.server)
    await this.#closeWays()
    await this.#postgres.stop()
    rmSync(this.seals.folder, { recursive: true, force: true })
    if (this.#settings.dataDir === undefined) rmSync(this.#dataDir, { recursive: true, force: true })
  }

  /** Ends everything at once. The data stays for whoever looks for the reason: the answer says where. */
  async abandon(): Promise<string> {
    this.client.close()
    // It may stand still in the midst of a strike.
    if (noProcessTrees() === undefined) signalTree(this.#postgres.pid, 'SIGCONT')
    for (const program of [...this.#workers, this.#server]) if (program !== undefined) await end(program, 'SIGKILL')
    await this.#closeWays()
    await this.#postgres.stop()
    return this.#dataDir
  }

  async #closeWays(): Promise<void> {
    await this.ways?.toServer.close()
    await this.ways?.toPostgres.close()
  }

  #serverUrl(ways: Ground['ways']): string {
    return ways === undefined ? this.address.grpcUrl : `127.0.0.1:${ways.toServer.port}`
  }

  #serversDatabase(): string {
    const url = new URL(this.databaseUrl)
    if (this.ways !== undefined) url.port = String(this.ways.toPostgres.port)
    return url.href
  }
}
