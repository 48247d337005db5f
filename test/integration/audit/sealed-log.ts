/** A small log in PostgreSQL with seals in it and beside it, that tests spoil and put back. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { durationMs, elementAt, instant, type Partition, partitionNumber, present } from '@tasker/core'
import { publishedIn } from '@tasker/server/internal/audit/audit'
import { sealFiles } from '@tasker/server/internal/audit/seal-files'
import type { SealKey } from '@tasker/server/internal/audit/seal-key'
import { verifyLog, type VerifyOptions, type VerifyReport } from '@tasker/server/internal/audit/verify'
import { GroupCommit, type Settled } from '@tasker/server/internal/engine/group-commit'
import { Sealer } from '@tasker/server/internal/engine/seals/sealer'
import { systemClock } from '@tasker/server/internal/engine/system-clock'
import { newConnection } from '@tasker/server/internal/database'
import { commitHash } from '@tasker/server/internal/log/commit-hash'
import type { CommitDraft, EventLog } from '@tasker/server/internal/log/port'
import { openPostgresAudit, openPostgresLog } from '@tasker/server/internal/log/postgres/postgres-log'
import { createMetrics } from '@tasker/server/internal/telemetry/metrics'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'

export const PARTITION_COUNT = 2
const SEAL_MS_MAX = durationMs(10_000)
const NEVER_MS = durationMs(3_600_000)

/** A place in the database of a test, by what stands there. */
export interface Row {
  readonly partition: number
  readonly seq: number
  readonly stream_kind: string
  readonly stream_id: string
  readonly types: string
}

/** One life of a server that seals. */
export class SealingServer {
  readonly #log: EventLog
  readonly #commits: GroupCommit
  readonly #sealer: Sealer
  readonly #ends = new Map<string, CommitDraft>()

  private constructor(log: EventLog, key: SealKey, directory: string) {
    this.#log = log
    this.#commits = new GroupCommit(
      log,
      systemClock,
      { batchCommitsMax: 100, batchCharsMax: 1_000_000 },
      {
        durable: (rows) => this.#sealer.durable(rows),
        flushed: () => undefined,
        failed: () => undefined,
        partitionLost: () => undefined,
        logAvailable: () => undefined,
      },
    )
    this.#sealer = new Sealer(
      { key, commitsMax: 1_000, afterMs: NEVER_MS, published: sealFiles(directory), trouble: () => undefined },
      log.audit,
      systemClock,
      createMetrics(),
      (commit) => this.#commits.enqueue(commit),
    )
  }

  static async start(url: string, key: SealKey, directory: string): Promise<SealingServer> {
    const server = new SealingServer(await openPostgresLog({ url, partitionCount: PARTITION_COUNT }), key, directory)
    for (let n = 0; n < PARTITION_COUNT; n++) {
      const ownership = await server.#log.acquire(partitionNumber(n), 'tests', systemClock.now())
      server.#commits.own(ownership)
      server.#sealer.own(ownership)
    }
    server.#sealer.start()
    return server
  }

  /** The next commit of a task of this partition. */
  async commit(partition: number, id: string): Promise<void> {
    const before = this.#ends.get(id)
    const content = {
      stream: { kind: 'task', id },
      partition: partitionNumber(partition),
      firstVersion: before === undefined ? 1 : before.firstVersion + before.types.length,
      namespace: 'shop',
      at: instant(1_750_000_000_000),
      actor: 'ann',
      worker: 'w-1',
      cause: 'complete 01J',
      types: ['step.completed', 'step.started'],
      text: `[{"step":"a","of":"${id}"},{"step":"b"}]`,
    } as const
    const draft = { ...content, hash: commitHash(content, before?.hash) }
    const settled = await new Promise<Settled>((settle) => this.#commits.enqueue({ draft, settle }))
    if (settled.type === 'lost') throw new Error(settled.message)
    this.#ends.set(id, draft)
  }

  async seal(partition: number): Promise<void> {
    const at = partitionNumber(partition)
    await this.#sealer.covered(at, await this.#log.audit.tip(at), SEAL_MS_MAX)
  }

  /** As if it were killed after its seals were published: what is not sealed stays so. */
  async die(): Promise<void> {
    await this.#sealer.stopPublishing()
    await this.#log.close()
  }
}

export class SealedLog {
  readonly database: TestDatabase
  readonly #key: SealKey
  readonly #root: string

  private constructor(database: TestDatabase, key: SealKey, root: string) {
    this.database = database
    this.#key = key
    this.#root = root
  }

  /** Where the seals were published. */
  get published(): string {
    return join(this.#root, 'published')
  }

  /** Two seals a partition, each over commits of four tasks, and a tail that no seal covers. */
  static async build(key: SealKey): Promise<SealedLog> {
    const database = await freshDatabase()
    const log = new SealedLog(database, key, mkdtempSync(join(tmpdir(), 'tasker-seals-')))
    const server = await log.server()
    for (const round of ['sealed', 'sealed', 'tail']) {
      for (let partition = 0; partition < PARTITION_COUNT; partition++) {
        for (let n = 0; n < 12; n++) await server.commit(partition, `${partition}-${n % 4}`)
        if (round === 'sealed') await server.seal(partition)
      }
    }
    await server.die()
    await query(database.url, 'create table kept as select * from event_commit')
    cpSync(log.published, join(log.#root, 'kept'), { recursive: true })
    return log
  }

  server(key = this.#key): Promise<SealingServer> {
    return SealingServer.start(this.database.url, key, this.published)
  }

  async restore(): Promise<void> {
    await this.sql('truncate event_commit')
    await this.sql('insert into event_commit select * from kept')
    rmSync(this.published, { recursive: true })
    cpSync(join(this.#root, 'kept'), this.published, { recursive: true })
  }

  async sql(text: string, values: readonly unknown[] = []): Promise<void> {
    await query(this.database.url, text, values)
  }

  async rows(): Promise<readonly Row[]> {
    const connection = newConnection({ url: this.database.url, applicationName: 'tests' })
    await connection.connect()
    try {
      const { rows } = await connection.query<Row>(
        `select partition, seq::int as seq, stream_kind, stream_id, array_to_string(types, ',') as types
         from event_commit order by partition, seq`,
      )
      return rows
    } finally {
      await connection.end()
    }
  }

  /** Seals of a partition, as they stand in the log. */
  async seals(partition: number): Promise<readonly Row[]> {
    return (await this.rows()).filter((row) => row.partition === partition && row.types === 'partition.sealed')
  }

  async verify(options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
    const audit = await openPostgresAudit(this.database.url)
    try {
      const published = publishedIn(this.published)
      return await verifyLog(audit.reads, { trusted: new Set([this.#key.publicKey]), published, ...options })
    } finally {
      await audit.close()
    }
  }

  async drop(): Promise<void> {
    rmSync(this.#root, { recursive: true, force: true })
    await this.database.drop()
  }
}

/** The commits of a task, in order. */
export const commitsOfTask = (rows: readonly Row[], id: string): readonly Row[] =>
  rows.filter(({ stream_id }) => stream_id === id)

export const last = <Item>(items: readonly Item[]): Item => elementAt(items, items.length - 1, 'the last')

export const rowAt = (rows: readonly Row[], partition: Partition | number, seq: number): Row =>
  present(
    rows.find((row) => row.partition === partition && row.seq === seq),
    `the row at ${partition}:${seq}`,
  )
