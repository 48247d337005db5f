/** Those who ask servers for something: clients that submit and cancel, operators who give orders, and readers. What is answered is shown to the invariants. */
import type { TaskId } from '@tasker/core'
import { inBackground } from '@tasker/server/internal/background'
import type {
  CommandAnswer,
  GivenSignal,
  ScheduleOrder,
  SubmitAnswer,
  TaskOrder,
  TaskSnapshot,
} from '@tasker/server/internal/engine/api'
import type { Clock } from '@tasker/server/internal/engine/clock'
import type { Checking } from './checking.js'
import type { Dice } from './dice.js'
import type { Calls } from './network.js'
import type { Server } from './servers.js'
import type { Trace } from './trace.js'
import { NAMESPACE, submitUntilAcknowledged } from './workload.js'

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
  /** It is there as soon as the task is. */
  readonly signal?: GivenSignal | undefined
  readonly taken: (taskId: TaskId) => void
}

/** A signal by the id of the request that brings it, however often it is sent. */
export interface SignalOrder extends GivenSignal {
  readonly requestId: string
}

type Ask<Answer> = (server: Server, answer: (given: Answer) => void) => void

export class Clients {
  readonly #parts: ClientsParts
  readonly acknowledged: TaskId[] = []

  constructor(parts: ClientsParts) {
    this.#parts = parts
  }

  submit(name: string, key: string | undefined, { letsGo, waitMs, signal, taken }: Client): void {
    const { clock, dice, checking, trace } = this.#parts
    submitUntilAcknowledged(name, key, {
      clock,
      dice,
      submit: (submission, answered, hear) =>
        this.#ask<SubmitAnswer>(
          (server, answer) =>
            server.engine.submit(signal === undefined ? submission : { ...submission, signal }, (given) => {
              if (!server.life.lives()) return
              this.#isTaken(given)
              if (signal !== undefined && given.type !== 'failed')
                checking.sent({ type: 'signalled', taskId: given.taskId, requestId: submission.requestId })
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

  /** Hears whether it is there; nothing when call or answer are lost. */
  signal(taskId: TaskId, signal: SignalOrder, hear: (isThere: boolean) => void): void {
    const { checking, trace } = this.#parts
    trace.add('client', () => `signals ${signal.name} ${signal.requestId} to ${taskId}`, taskId)
    const give = async ({ engine, life }: Server): Promise<CommandAnswer> => {
      const answer = await engine.order(taskId, { type: 'signal', ...signal }, 'client')
      if (life.lives() && answer.type === 'done') checking.sent({ type: 'signalled', taskId, requestId: signal.requestId })
      return answer
    }
    this.#order(taskId, give, ({ type }) => hear(type === 'done'))
  }

  /** The same for an order to a schedule. */
  orderSchedule(name: string, order: ScheduleOrder, hear: (isDone: boolean) => void): void {
    const { checking, trace } = this.#parts
    trace.add('operator', () => `orders ${order.type} of the schedule ${name}`)
    this.#ask<boolean>(
      ({ engine, life }, answer) =>
        inBackground(
          engine.schedules.order(NAMESPACE, name, order, 'operator').then((given) => {
            if (!life.lives()) return
            if (given.type === 'done' && given.info !== undefined)
              checking.sent({ type: 'scheduled', name, version: given.info.version })
            answer(given.type === 'done')
          }),
        ),
      (isDone) => {
        trace.add('operator', () => `hears ${isDone ? 'done' : 'no'} of its ${order.type} of the schedule ${name}`)
        hear(isDone)
      },
    )
  }

  async read(server: Server, taskId: TaskId): Promise<TaskSnapshot | undefined> {
    const snapshot = await server.engine.read(taskId)
    if (snapshot !== undefined && server.life.lives()) this.#parts.checking.sent({ type: 'read', ...snapshot })
    return snapshot
  }

  #order(
    taskId: TaskId,
    give: (server: Server) => Promise<CommandAnswer>,
    hear: (given: CommandAnswer) => void = () => undefined,
  ): void {
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
      (given) => {
        trace.add('client', () => `hears ${given.type} of its order to ${taskId}`, taskId)
        hear(given)
      },
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
