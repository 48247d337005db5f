/** What takes part in a run: a system with its processes, ready for a load. */
import type { Load } from './workloads.js'

export interface Stored {
  /** Bytes on disk. */
  readonly stored: number
  /** Bytes written ahead, or to disk where a system has no log of its own that can be asked. */
  readonly wal: number
}

/** A system that was started for one run. */
export interface Stage {
  /** The roots of its process trees, by what they do; the load's own process is not among them. */
  processes(): Readonly<Record<string, readonly number[]>>
  /** What the load's process is told of the system. */
  readonly target: { readonly module: string; readonly url: string; readonly gate?: string }
  /** Starts a worker, where the load does not bring its own. */
  startWorker(): Promise<void>
  stored(): Promise<Stored>
  /** Bytes on disk when what is dead was given back; undefined where nobody can ask for that. */
  vacuumed(): Promise<number | undefined>
  stop(): Promise<void>
}

export interface Contender {
  readonly name: string
  start(load: Load): Promise<Stage>
}
