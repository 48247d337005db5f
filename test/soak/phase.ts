/** What a phase of the soak is: something that must hold, played in a short or in a long form, with figures at the end. */

/** `short` is part of `npm test`, `long` of `npm run soak`. */
export type PhaseForm = 'short' | 'long'

export interface PhaseRun {
  readonly form: PhaseForm
  /** Draws the moments; the same seed, the same order of faults. */
  readonly seed: number
  /** A line for whoever watches. */
  readonly say: (text: string) => void
}

export interface Figures {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
  readonly postgresVersion: string
  /** Sentences below the table. */
  readonly notes?: readonly string[]
}

export interface Phase {
  /** The word after `--only`. */
  readonly name: string
  /** What it shows, as a sentence without its stop. */
  readonly promise: string
  /** What its data may take on the disk of the system's folder for temporary files; 2 GiB when not said. */
  readonly diskBytesMax?: number
  /** Why it cannot run on this machine; undefined when it can. */
  readonly leftOut?: () => string | undefined
  /** Throws at the first promise that is broken, and cleans up after itself. */
  readonly play: (run: PhaseRun) => Promise<Figures>
}
