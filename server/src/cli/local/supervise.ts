/** Runs work that starts parts (database, server, worker), and stops them in the reverse order however the work ends. */
import { setTimeout as pause } from 'node:timers/promises'
import { EXIT, type ExitCode } from '../exit.js'
import { type Terminal } from '../terminal.js'
import { watchInterrupts } from './interrupts.js'

/** How long a part may take to stop before it is killed, when it does not say. */
const PART_STOP_MS_DEFAULT = 30_000

export interface Part {
  readonly name: string
  /** How long its stop may take. */
  readonly stopMsMax?: number
  stop(): Promise<void>
  /** Ends it at once, synchronously. */
  kill(): void
}

export interface Site {
  /** Aborts when everything is to stop. */
  readonly signal: AbortSignal
  /** Takes over the stopping of a part. */
  keep(part: Part): void
}

/** An interrupt is a normal end: exit 0 after a clean stop. */
export const supervised = async (terminal: Terminal, work: (site: Site) => Promise<ExitCode>): Promise<ExitCode> => {
  const parts: Part[] = []
  const interrupts = watchInterrupts(terminal, () => {
    for (const part of parts) part.kill()
  })
  try {
    return await work({ signal: interrupts.signal, keep: (part) => parts.unshift(part) })
  } catch (thrown) {
    if (interrupts.signal.aborted) return EXIT.ok
    throw thrown
  } finally {
    await stopParts(parts, terminal)
    interrupts.dispose()
  }
}

/** Resolves when the site is asked to stop. */
export const untilAsked = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    // A pending promise alone does not keep the process alive.
    const alive = setInterval(() => undefined, 60_000)
    signal.addEventListener('abort', () => {
      clearInterval(alive)
      resolve()
    })
  })

const stopParts = async (parts: readonly Part[], terminal: Terminal): Promise<void> => {
  for (const part of parts) {
    const failure = await stoppedInTime(part)
    if (failure === undefined) terminal.err(terminal.colours.dim(`${part.name} stopped`))
    else {
      terminal.err(`${terminal.colours.red('error')} ${part.name} did not stop cleanly (${failure}) and was killed`)
      part.kill()
    }
  }
}

const stoppedInTime = async (part: Part): Promise<string | undefined> => {
  const timer = new AbortController()
  const stopMsMax = part.stopMsMax ?? PART_STOP_MS_DEFAULT
  try {
    const late = pause(stopMsMax, `not within ${stopMsMax} ms`, { signal: timer.signal })
    return await Promise.race([part.stop().then(() => undefined), late])
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } finally {
    timer.abort()
  }
}
