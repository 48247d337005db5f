/** The rules of tasks as the engine calls them: those of the core, unless the engine is built with others. */
import { decide, evolve } from '@tasker/core'

export interface TaskRules {
  readonly decide: typeof decide
  readonly evolve: typeof evolve
}

export const TASK_RULES: TaskRules = { decide, evolve }
