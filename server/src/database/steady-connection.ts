/** One connection for one kind of statement: made when it is needed, dropped at the first doubt, made again after a pause that grows. */
import type pg from 'pg'
import { type Connection, type ConnectionOptions, newConnection } from '../database.js'
import { databaseTrouble, type DatabaseTrouble } from './trouble.js'

/** How long after a failed attempt the next one waits: the n-th entry after n failures, the last for ever. */
const RECONNECT_DELAYS_MS = [0, 50, 100, 200, 400, 800, 1_000] as const
const RECONNECT_DELAY_MS_MAX = 1_000

export type Executed =
  | { readonly type: 'done'; readonly rowCount: number; readonly rows: readonly unknown[] }
  | { readonly type: 'trouble'; readonly trouble: DatabaseTrouble }

export class SteadyConnection {
  readonly #options: ConnectionOptions
  readonly #closing = new AbortController()
  #connection: Connection | undefined
  #connecting: Promise<DatabaseTrouble | undefined> | undefined
  #failures = 0
  #failedAtMs = 0

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /** Runs one statement. Statements of several callers run in the order of the calls. */
  async execute(statement: pg.QueryConfig): Promise<Executed> {
    const connection = this.#connection ?? (await this.#connected())
    if ('type' in connection) return { type: 'trouble', trouble: connection }
    try {
      const { rowCount, rows } = await connection.query<Record<string, unknown>>(statement)
      return { type: 'done', rowCount: rowCount ?? 0, rows }
    } catch (error) {
      const trouble = databaseTrouble(error, 'executing')
      if (trouble.type === 'connection_lost') this.#drop(connection)
      return { type: 'trouble', trouble }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#connecting?.catch(() => undefined)
    await this.#connection?.end().catch(() => undefined)
    this.#connection = undefined
  }

  async #connected(): Promise<Connection | DatabaseTrouble> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    const trouble = await this.#connecting
    return trouble ?? this.#connection ?? { type: 'unreachable', message: 'the connection ended at once' }
  }

  async #connect(): Promise<DatabaseTrouble | undefined> {
    const delayMs = RECONNECT_DELAYS_MS[this.#failures] ?? RECONNECT_DELAY_MS_MAX
    await this.#pause(this.#failedAtMs + delayMs - performance.now())
    if (this.#closing.signal.aborted) return { type: 'unreachable', message: 'the connection is closed' }
    const connection = newConnection(this.#options)
    try {
      await connection.connect()
    } catch (error) {
      this.#failures++
      this.#failedAtMs = performance.now()
      void connection.end().catch(() => undefined)
      return databaseTrouble(error, 'connecting')
    }
    this.#failures = 0
    connection.on('end', () => this.#forget(connection))
    connection.on('error', () => this.#forget(connection))
    this.#connection = connection
    return undefined
  }

  /** Its server may be silent, so nobody waits for the farewell. */
  #drop(connection: Connection): void {
    this.#forget(connection)
    void connection.end().catch(() => undefined)
  }

  #forget(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined
  }

  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#closing
    if (delayMs <= 0 || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(done, delayMs)
      function done(): void {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done)
    })
  }
}
