/** What a person can type to help a task on: only what its decider would accept now. */
import type { StepId, TaskId } from '../kernel/ids.js'
import { JSON_NULL } from '../kernel/json.js'
import { type TaskCommand } from '../task/commands.js'
import { decide } from '../task/decide.js'
import type { LiveTask } from '../task/state.js'

/** For a step, by hand. */
export const stepCommands = (taskId: TaskId, task: LiveTask, step: StepId): readonly string[] => {
  const at = task.updatedAt
  return accepted(task, [
    [{ type: 'reset_step', at, step }, `tasker step reset ${taskId} ${word(step)}`],
    [{ type: 'complete_step', at, step, output: JSON_NULL }, `tasker step complete ${taskId} ${word(step)} --result JSON`],
    [{ type: 'resolve_step', at, step }, `tasker step resolve ${taskId} ${word(step)}`],
  ])
}

/** For the task as a whole. */
export const taskCommands = (
  taskId: TaskId,
  task: LiveTask,
  names: readonly ('resume' | 'retry' | 'resolve' | 'cancel')[],
): readonly string[] =>
  accepted(
    task,
    names.map((name) => [orderOf(name, task), `tasker task ${name} ${taskId}`]),
  )

const orderOf = (name: 'resume' | 'retry' | 'resolve' | 'cancel', { updatedAt: at }: LiveTask): TaskCommand => {
  switch (name) {
    case 'resume':
      return { type: 'resume', at }
    case 'retry':
      return { type: 'retry', at }
    case 'resolve':
      return { type: 'resolve', at }
    case 'cancel':
      return { type: 'cancel', at }
  }
}

const accepted = (task: LiveTask, offers: readonly (readonly [TaskCommand, string])[]): readonly string[] =>
  offers.flatMap(([command, text]) => (decide(task, command).type === 'accepted' ? [text] : []))

const PLAIN_WORD = /^[\w.-]+$/

/** A name as a shell takes it for one word. */
const word = (name: string): string => (PLAIN_WORD.test(name) ? name : `'${name.replaceAll("'", `'\\''`)}'`)
