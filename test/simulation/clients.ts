/** Those who ask servers for something: clients that submit and cancel, operators who give orders, and readers. What is answered is shown to the invariants. */
import type { TaskId } from '@tasker/core'
import { inBackground } from '@tasker/server/internal/background'
import type { CommandAnswer, SubmitAnswer, TaskOrder, TaskSnapshot } from '@tasker/server/internal/engine/api'
import type { Clock } from '@tasker/server/internal/engine/clock'
import type { Checking } from './checking.js'
import type { Dice } from './dice.js'
import type { Calls } from './network.js'
import type { Server } from './servers.js'
import type { Trace } from './trace.js'
import { submitUntilAcknowledged } from './workload.js'

export interface ClientsParts {
  readonly clock: Clock
  readonly dice: Dice
  readonly trace: Trace
  readonly checking: Checking
  /** The network between them and servers; undefined in a world that is older. */
  readonly calls: Calls | undefined
  /** The server that answers; undefined while none does. */
  readonly server: () => Server | undefined
}

export interface Client {
  readonly letsGo: boolean
  readonly waitMs: number | undefined
  readonly taken: (taskId: TaskId) => void
}

type Ask<Answer> = (server: Server, answer: (given: Answer) => void) => void

export class Clients {
  readonly #parts: ClientsParts
  readonly acknowledged: TaskId[] = []

  constructor(parts: ClientsParts) {
    this.#parts = parts
  }

  submit(name: string, key: string | undefined, { letsGo, waitMs, taken }: Client): void {
    const { clock, dice, checking, trace } = this.#parts
    submitUntilAcknowledged(name, key, {
      clock,
      dice,
      submit: (submission, answered, hear) =>
        this.#ask<SubmitAnswer>(
          (server, answer) =>
            server.engine.submit(submission, (given) => {
              if (!server.life.lives()) return
              this.#isTaken(given)
              answered(given)
              answer(given)
            }),
          hear,
        ),
      acknowledged: (taskId) => {
        trace.add('client', () => `hears that ${taskId} is taken`, taskId)
        this.acknowledged.push(taskId)
        taken(taskId)
      },
      violated: (what) => checking.violated(what),
      letsGo,
      waitMs,
    })
  }

  cancel(taskId: TaskId): void {
    this.#parts.trace.add('client', () => `cancels ${taskId}`, taskId)
    this.#order(taskId, ({ engine }) => engine.cancel(taskId, 'simulated', 'sim'))
  }

  order(taskId: TaskId, order: TaskOrder): void {
    const what = 'step' in order ? `${order.type} of ${order.step}` : order.type
    this.#parts.trace.add('operator', () => `orders ${what} of ${taskId}`, taskId)
    this.#order(taskId, ({ engine }) => engine.order(taskId, order, 'operator'))
  }

  async read(server: Server, taskId: TaskId): Promise<TaskSnapshot | undefined> {
    const snapshot = await server.engine.read(taskId)
    if (snapshot !== undefined && server.life.lives()) this.#parts.checking.sent({ type: 'read', ...snapshot })
    return snapshot
  }

  #order(taskId: TaskId, give: (server: Server) => Promise<CommandAnswer>): void {
    const { checking, trace } = this.#parts
    this.#ask<CommandAnswer>(
      (server, answer) =>
        inBackground(
          give(server).then(
            (given) => {
              if (!server.life.lives()) return
              if (given.type === 'done') checking.sent({ type: 'done', token: given.token })
              answer(given)
            },
            () => undefined,
          ),
        ),
      (given) => trace.add('client', () => `hears ${given.type} of its order to ${taskId}`, taskId),
    )
  }

  #ask<Answer>(ask: Ask<Answer>, hear: (given: Answer) => void): void {
    const { calls, server } = this.#parts
    const current = server()
    if (current === undefined) return
    if (calls === undefined) ask(current, hear)
    else calls.ask(current, (answer: (given: Answer) => void) => ask(current, answer), hear)
  }

  #isTaken(given: SubmitAnswer): void {
    const { checking } = this.#parts
    if (given.type === 'failed') return
    checking.sent({ type: 'taken', taskId: given.taskId })
    if (given.type === 'created') checking.sent({ type: 'done', token: given.token })
  }
}
