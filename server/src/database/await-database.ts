/** A start that comes before its database: waits until PostgreSQL takes connections, for a bounded time, where waiting can help. */
import { setTimeout as pause } from 'node:timers/promises'
import { newConnection } from '../database.js'
import { databaseTrouble, mayPass } from './trouble.js'

const RETRY_MS = 250

export interface DatabaseWait {
  readonly url: string
  /** 0 tries once. */
  readonly waitMsMax: number
  readonly signal: AbortSignal
  /** It is away, said once; the wait begins. */
  readonly away: (message: string) => void
  /** It was away and is there. */
  readonly back: () => void
}

/** Throws what `pg` threw last when the time is over, when waiting cannot help (a wrong password), or when the signal aborts. */
export const awaitDatabase = async ({ url, waitMsMax, signal, away, back }: DatabaseWait): Promise<void> => {
  const patienceAt = performance.now() + waitMsMax
  for (let tries = 0; ; tries++) {
    const error = await connectionError(url)
    if (error === undefined) {
      if (tries > 0) back()
      return
    }
    signal.throwIfAborted()
    if (!mayPass(error) || performance.now() >= patienceAt) throw error
    if (tries === 0) away(databaseTrouble(error, 'connecting').message)
    await pause(RETRY_MS, undefined, { signal })
  }
}

const connectionError = async (url: string): Promise<Error | undefined> => {
  const connection = newConnection({ url, applicationName: 'tasker start' })
  try {
    await connection.connect()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  } finally {
    await connection.end().catch(() => undefined)
  }
}
