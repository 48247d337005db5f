/** Those who send signals to functions: before they wait, while they do and after, each as often as it takes, and some twice at once. */
import { durationMs, isTerminal, jsonOf, taskIdFrom, type TaskId } from '@tasker/core'
import type { Clients, SignalOrder } from '../clients.js'
import type { Dice } from '../dice.js'
import type { Witness } from '../witness.js'
import type { VirtualClock } from '../../support/virtual-clock.js'
import { SIGNALS } from './operations.js'

export interface SignalsParts {
  readonly clock: VirtualClock
  readonly dice: Dice
  readonly clients: Clients
  readonly witness: Witness
}

const PATIENCE_MS = durationMs(3_000)
/** How often it is asked again; a task may be over meanwhile. */
const TRIES_MAX = 20

export class Signals {
  readonly #parts: SignalsParts

  constructor(parts: SignalsParts) {
    this.#parts = parts
  }

  /** A signal that is drawn, with the name of its request. */
  draw(): SignalOrder {
    const { clock, dice } = this.#parts
    const requestId = taskIdFrom(clock.now(), dice.bytes(10))
    return { name: dice.pick(SIGNALS), payload: jsonOf({ id: requestId }), requestId }
  }

  /** Sends one until it is there. */
  send(taskId: TaskId): void {
    const { clock, dice, clients } = this.#parts
    const signal = this.draw()
    let isThere = false
    const hear = (there: boolean): void => {
      isThere ||= there
    }
    const ask = (left: number): void => {
      if (isThere || left === 0 || this.#isOver(taskId)) return
      clients.signal(taskId, signal, hear)
      if (dice.chance(0.1)) clients.signal(taskId, signal, hear)
      clock.after(PATIENCE_MS, () => ask(left - 1))
    }
    ask(TRIES_MAX)
  }

  /** One of each name, so that nobody waits for ever. */
  sendAll(taskIds: readonly TaskId[]): void {
    const { clients } = this.#parts
    for (const taskId of taskIds) for (const name of SIGNALS) clients.signal(taskId, { ...this.draw(), name }, () => undefined)
  }

  #isOver(taskId: TaskId): boolean {
    const state = this.#parts.witness.tasks.get(taskId)?.state
    return state?.type === 'task' && isTerminal(state.phase)
  }
}
