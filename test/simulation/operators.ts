/** Operators in a simulated world: orders to tasks and steps at moments that the dice choose, and the resumption of all that was paused. */
import { DEAD_LETTER_STATUSES, isTerminal, type LiveTask, type StepId, trustedJson, type TaskId } from '@tasker/core'
import { inBackground } from '@tasker/server/internal/background'
import type { TaskOrder, TaskSnapshot } from '@tasker/server/internal/engine/api'
import type { Dice } from './dice.js'

export interface OperatorParts {
  readonly dice: Dice
  /** A read by the server there is; undefined while none answers. */
  readonly read: (taskId: TaskId) => Promise<TaskSnapshot | undefined> | undefined
  /** An order to the server there is; whatever comes of it, a refusal is an answer too. */
  readonly order: (taskId: TaskId, order: TaskOrder) => void
  /** The tasks there are to pick from. */
  readonly tasks: () => readonly TaskId[]
  /** Whoever writes on dead letters rolls these; nobody does in a world that is older. */
  readonly letterDice: Dice | undefined
}

const BY = { by: 'operator', reason: 'simulated' }

export class Operators {
  readonly #parts: OperatorParts

  constructor(parts: OperatorParts) {
    this.#parts = parts
  }

  /** One order to one task. */
  act(isThere: boolean): void {
    const { dice, read, tasks, order } = this.#parts
    const there = tasks()
    if (there.length === 0 || !isThere) return
    const taskId = dice.pick(there)
    const reading = read(taskId)
    if (reading === undefined) return
    inBackground(
      reading.then(
        (snapshot) => {
          if (snapshot !== undefined && !isTerminal(snapshot.state.phase)) order(taskId, this.#choice(snapshot.state))
        },
        () => undefined,
      ),
    )
  }

  /** Nobody forgets a paused task for ever. */
  resume(taskId: TaskId): void {
    this.#parts.order(taskId, { type: 'resume', ...BY })
  }

  #choice(task: LiveTask): TaskOrder {
    const { dice, letterDice } = this.#parts
    const { entries } = task.deadLetters
    if (letterDice?.chance(0.3) === true && entries.length > 0) {
      const { entry } = letterDice.pick(entries)
      return {
        type: 'update_dead_letter',
        entry,
        status: letterDice.pick(DEAD_LETTER_STATUSES),
        by: 'operator',
        notes: 'simulated',
      }
    }
    if (task.pace.type === 'paused' && dice.chance(0.6)) return { type: 'resume', ...BY }
    const failed = stepsIn(task, ['error', 'cancelled'])
    if (failed.length > 0 && dice.chance(0.6))
      return dice.chance(0.5) ? { type: 'retry', ...BY } : { type: 'reset_step', step: dice.pick(failed), ...BY }
    const open = stepsIn(task, ['pending', 'enqueued', 'in_progress', 'waiting_for_retry', 'error'])
    const kind = dice.between(0, 5)
    if (kind === 0 && open.length > 0) return { type: 'resolve_step', step: dice.pick(open), ...BY }
    if (kind === 1 && open.length > 0)
      return { type: 'complete_step', step: dice.pick(open), output: trustedJson('{"by":"hand"}'), ...BY }
    if (kind === 2 && task.phase === 'blocked') return { type: 'resolve', ...BY }
    return kind === 3 ? { type: 'dead_letter', by: 'operator' } : { type: 'pause', ...BY }
  }
}

const stepsIn = (task: LiveTask, statuses: readonly string[]): readonly StepId[] =>
  task.steps.flatMap((step, index) => {
    const name = task.graph.steps[index]?.name
    return statuses.includes(step.status) && name !== undefined ? [name] : []
  })
