/** Ctrl-C, SIGTERM and a parent that is gone: the first asks to stop, the second kills. */
import { type Terminal } from '../terminal.js'

/** One press of Ctrl-C may arrive twice, from the terminal and from npm. */
const SAME_PRESS_MS = 500
const PARENT_POLL_MS = 500
/** Exit code of a process that ended by an interrupt. */
const INTERRUPTED = 130

export interface Interrupts {
  /** Aborts with the first wish to stop. */
  readonly signal: AbortSignal
  /** From here on the process answers signals as it did before. */
  dispose(): void
}

/** `kill` ends at once whatever was started; it runs before the process exits. */
export const watchInterrupts = (terminal: Terminal, kill: () => void): Interrupts => {
  const controller = new AbortController()
  let firstAt = 0
  const onSignal = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      firstAt = performance.now()
      terminal.err(terminal.colours.dim(`\n${name}: stopping; once more kills`))
      controller.abort()
    } else if (performance.now() - firstAt > SAME_PRESS_MS) {
      kill()
      process.exit(INTERRUPTED)
    }
  }
  // A closed terminal window hangs up; what runs without a terminal (nohup) is meant to outlive it.
  const names: readonly NodeJS.Signals[] = process.stdin.isTTY ? ['SIGINT', 'SIGTERM', 'SIGHUP'] : ['SIGINT', 'SIGTERM']
  for (const name of names) process.on(name, onSignal)
  const unwatch = watchParent(() => controller.abort())
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of names) process.off(name, onSignal)
      unwatch()
    },
  }
}

/** npm hands a SIGTERM to its shell, which dies without telling us: then we have another parent. */
const watchParent = (gone: () => void): (() => void) => {
  if (process.env['npm_lifecycle_event'] === undefined) return () => undefined
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    gone()
  }, PARENT_POLL_MS)
  timer.unref()
  return () => clearInterval(timer)
}
