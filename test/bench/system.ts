/** A system as its load sees it: the module that `driver-process` is given exports `connect`. */

export interface System {
  /** Runs one task of a shape to its end and answers its result. */
  run(shape: string, input?: object): Promise<unknown>
  backlog(): Backlog
  close(): Promise<void>
}

/** Tasks of one step, put in while nothing works on them. */
export interface Backlog {
  submit(): Promise<void>
  /** Work may begin. */
  begin(): Promise<void>
  /** All that was submitted has ended. */
  done(): Promise<void>
}

export interface Target {
  readonly url: string
  readonly shape: string
  readonly tasks: number
  /** A file that opens the way for a backlog by being there. */
  readonly gate: string | undefined
}

export type Connect = (target: Target) => Promise<System>
