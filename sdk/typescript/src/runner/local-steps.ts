/** The steps of one attempt: running here, or over and not recorded yet. Outcomes of one turn are handed in together. */
import type { JournalProposal } from '@tasker/proto'
import type { Clock } from '../clock.js'
import type { StepScope } from '../durable/options.js'
import type { RunStep } from '../durable/port.js'
import { LIMITS } from '../limits.js'
import { LocalStep, type LocalStepPorts } from './local-step.js'
import { proposalBytes, stepProposal } from './proposals.js'

/** Stands around every attempt of a step of a durable function: gives what `run` gives, or something else. */
export type AroundFunctionStep = (step: FunctionStep, scope: StepScope, run: () => unknown) => unknown

/** A step by its names. */
export interface FunctionStep {
  readonly function: string
  readonly version: string
  readonly name: string
}

export interface LocalStepsPorts {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly bytesMax: () => number
  /** Calls the user's function. */
  readonly invoke: (step: RunStep, scope: StepScope) => unknown
  /** They take long: the run says that it lives. */
  readonly lives: () => void
  /** These ended; `recorded` is to be called when that is durable. */
  readonly handIn: (outcomes: readonly JournalProposal[], recorded: () => void) => void
}

export class LocalSteps {
  readonly #ports: LocalStepsPorts
  readonly #portsOfStep: LocalStepPorts
  readonly #byKey = new Map<string, LocalStep>()
  #outcomes: JournalProposal[] = []
  /** Calls off the next sign of life; undefined while none is due. */
  #sayNoMore: (() => void) | undefined

  constructor(ports: LocalStepsPorts) {
    this.#ports = ports
    const { clock, timeoutMs, bytesMax, invoke } = ports
    this.#portsOfStep = { clock, timeoutMs, bytesMax, invoke, over: (key, outcome) => this.#over(stepProposal(key, outcome)) }
  }

  /** Steps whose outcome is not recorded. */
  get size(): number {
    return this.#byKey.size
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  /** Gives the way to start them. */
  add(steps: readonly RunStep[]): () => void {
    const added = steps.map((step) => {
      const local = new LocalStep(step, this.#portsOfStep)
      this.#byKey.set(step.key, local)
      return local
    })
    return () => {
      for (const local of added) local.start()
      // What gives its result at once is handed in at once: that is a sign of life too.
      if (this.#sayNoMore === undefined && added.some(({ isOver }) => !isOver)) this.#sayThatItLives()
    }
  }

  /** Nobody waits for the step any more. What is over is recorded all the same. */
  cancel(key: string): void {
    if (this.#byKey.get(key)?.abort('nobody waits for the step any more') === true) this.#forget(key)
  }

  abortAll(why: string): void {
    for (const local of this.#byKey.values()) local.abort(why)
    this.#byKey.clear()
    this.#beSilent()
    this.#outcomes = []
  }

  #forget(key: string): void {
    this.#byKey.delete(key)
    if (this.#byKey.size === 0) this.#beSilent()
  }

  #beSilent(): void {
    this.#sayNoMore?.()
    this.#sayNoMore = undefined
  }

  /** An alarm of its own: a clock of a test, which leaps from alarm to alarm, knows of it. */
  #sayThatItLives(): void {
    const { clock, timeoutMs, lives } = this.#ports
    if (timeoutMs === 0) return
    this.#sayNoMore = clock.after(timeoutMs / 2, () => {
      lives()
      this.#sayThatItLives()
    })
  }

  #over(outcome: JournalProposal): void {
    this.#outcomes.push(outcome)
    if (this.#outcomes.length === 1) this.#ports.clock.endOfTurn(() => this.#handIn())
  }

  #handIn(): void {
    const outcomes = this.#outcomes
    this.#outcomes = []
    for (const together of parts(outcomes)) {
      this.#ports.handIn(together, () => {
        for (const { key } of together) this.#forget(key)
      })
    }
  }
}

/** As much as fits into a message, at least one. */
const parts = (outcomes: readonly JournalProposal[]): readonly JournalProposal[][] => {
  const all: JournalProposal[][] = []
  let bytes = Infinity
  for (const outcome of outcomes) {
    bytes += proposalBytes(outcome)
    if (bytes > LIMITS.messageBytesMax) {
      all.push([])
      bytes = proposalBytes(outcome)
    }
    all.at(-1)?.push(outcome)
  }
  return all
}
