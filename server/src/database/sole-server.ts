/**
 * One server a database: a session lock that PostgreSQL takes back the moment the holder's connection dies.
 *
 * It keeps a second server, started by mistake, from fencing the first. It is not what makes writes safe: the log's epochs and its
 * primary key do that. Nothing on the hot path touches it.
 */
import { inBackground } from '../background.js'
import { type Connection, newConnection } from '../database.js'
import { Fault } from '../faults.js'

/** Two numbers that no other program uses for advisory locks in this database, it is hoped: "task", "serv" in ASCII. */
const LOCK = [0x7461736b, 0x73657276] as const
/** How long a start waits for a predecessor that is just dying. */
const START_PATIENCE_MS = 5_000
const RETRY_MS = 250

export interface HoldHooks {
  /** The connection that holds the lock is gone: another server may take it. */
  readonly doubtful: (message: string) => void
  /** The lock is held again, and nobody else held it in between if the log's epochs say so: that is for the caller to check. */
  readonly regained: () => Promise<void>
  readonly taken: (message: string) => void
}

export interface DatabaseHold {
  release(): Promise<void>
}

/** Throws `SERVER_ALREADY_RUNNING` when another server holds the database and does not let go. */
export const holdDatabase = async (url: string, applicationName: string, hooks: HoldHooks): Promise<DatabaseHold> => {
  const hold = new Hold(url, applicationName, hooks)
  await hold.take()
  return hold
}

class Hold implements DatabaseHold {
  readonly #url: string
  readonly #applicationName: string
  readonly #hooks: HoldHooks
  #connection: Connection | undefined
  /** The backend that held the lock for this server last; PostgreSQL may not know yet that its connection is gone. */
  #backend: number | undefined
  #released = false

  constructor(url: string, applicationName: string, hooks: HoldHooks) {
    this.#url = url
    this.#applicationName = applicationName
    this.#hooks = hooks
  }

  async take(): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += RETRY_MS) {
      const attempt = await this.#tryOnce()
      if (attempt.type === 'held') return
      if (waitedMs >= START_PATIENCE_MS) throw alreadyRunning(attempt.type === 'other' ? attempt.holder : 'one that just let go')
      await pause(RETRY_MS)
    }
  }

  async release(): Promise<void> {
    this.#released = true
    await this.#letGo()
  }

  async #letGo(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    await connection?.end().catch(() => undefined)
  }

  async #tryOnce(): Promise<Attempt> {
    const connection = newConnection({ url: this.#url, applicationName: this.#applicationName })
    await connection.connect()
    try {
      const { rows } = await connection.query<{ locked: boolean; backend: number }>(
        'select pg_try_advisory_lock($1, $2) as locked, pg_backend_pid() as backend',
        [...LOCK],
      )
      const [row] = rows
      if (row?.locked !== true) {
        const attempt = await this.#whoElse(connection)
        await connection.end()
        return attempt
      }
      this.#backend = row.backend
    } catch (error) {
      await connection.end().catch(() => undefined)
      throw error
    }
    this.#connection = connection
    connection.once('end', () => this.#lost(connection))
    if (this.#released) await this.#letGo()
    return { type: 'held' }
  }

  /** A dead connection of our own is ended, so that the lock does not wait until PostgreSQL finds out by itself. */
  async #whoElse(connection: Connection): Promise<Attempt> {
    const { rows } = await connection.query<HolderRow>(HOLDER, [...LOCK])
    const [row] = rows
    if (row === undefined) return { type: 'ended' }
    if (row.backend !== this.#backend || row.name !== this.#applicationName) return { type: 'other', holder: row.holder }
    await connection.query('select pg_terminate_backend($1)', [row.backend])
    return { type: 'ended' }
  }

  #lost(connection: Connection): void {
    if (this.#released || this.#connection !== connection) return
    this.#connection = undefined
    this.#hooks.doubtful('the connection that holds the database for this server is gone')
    inBackground(this.#regain())
  }

  async #regain(): Promise<void> {
    for (;;) {
      await pause(RETRY_MS)
      if (this.#released) return
      try {
        const attempt = await this.#tryOnce()
        if (attempt.type === 'other') return this.#hooks.taken(`another server holds the database: ${attempt.holder}`)
        if (attempt.type === 'ended') continue
        await this.#hooks.regained()
        return
      } catch {
        // The database is still away, or its log is; the next round takes the lock anew, for as long as the server runs.
        await this.#letGo()
      }
    }
  }
}

type Attempt =
  | { readonly type: 'held' }
  | { readonly type: 'other'; readonly holder: string }
  /** Nobody has it any more, or a connection of ours that is being ended: try again. */
  | { readonly type: 'ended' }

interface HolderRow {
  readonly backend: number
  readonly name: string
  readonly holder: string
}

const HOLDER = `
select a.pid as backend, a.application_name as name, format('%s (backend %s, since %s)', a.application_name, a.pid, a.backend_start) as holder
from pg_locks l join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.classid::bigint = $1 and l.objid::bigint = $2 and l.granted and l.database = a.datid limit 1`

const alreadyRunning = (holder: string): Fault =>
  new Fault({
    code: 'CONFLICT',
    reason: 'SERVER_ALREADY_RUNNING',
    message: `another server holds this database: ${holder}`,
    hint: 'stop it first, or give this one a database of its own with DATABASE_URL or --data-dir',
    retryable: false,
  })

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
