/** The steps of one attempt: running here, or over and not recorded yet. Outcomes of one turn are handed in together. */
import type { JournalProposal } from '@tasker/proto'
import type { Clock } from '../clock.js'
import type { RunStep } from '../durable/port.js'
import { LIMITS } from '../limits.js'
import { LocalStep } from './local-step.js'
import { proposalBytes, stepProposal } from './proposals.js'

export interface LocalStepsPorts {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly bytesMax: () => number
  /** These ended; `recorded` is to be called when that is durable. */
  readonly handIn: (outcomes: readonly JournalProposal[], recorded: () => void) => void
}

export class LocalSteps {
  readonly #ports: LocalStepsPorts
  readonly #byKey = new Map<string, LocalStep>()
  #outcomes: JournalProposal[] = []

  constructor(ports: LocalStepsPorts) {
    this.#ports = ports
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
      const { key } = step
      const over = (outcome: Parameters<typeof stepProposal>[1]): void => this.#over(stepProposal(key, outcome))
      const local = new LocalStep(step, { ...this.#ports, over })
      this.#byKey.set(key, local)
      return local
    })
    return () => {
      for (const local of added) local.start()
    }
  }

  /** Nobody waits for the step any more. What is over is recorded all the same. */
  cancel(key: string): void {
    if (this.#byKey.get(key)?.abort('nobody waits for the step any more') === true) this.#byKey.delete(key)
  }

  abortAll(why: string): void {
    for (const local of this.#byKey.values()) local.abort(why)
    this.#byKey.clear()
    this.#outcomes = []
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
        for (const { key } of together) this.#byKey.delete(key)
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
