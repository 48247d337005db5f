/** The rules of tasks as the engine calls them: those of the core, unless the engine is built with others. */
import { decide, evolve, fastDomainEvents } from '@tasker/core'

export interface TaskRules {
  readonly decide: typeof decide
  readonly evolve: typeof evolve
  /** What a decision tells those who listen, and no log keeps. */
  readonly fastDomainEvents: typeof fastDomainEvents
}

export const TASK_RULES: TaskRules = { decide, evolve, fastDomainEvents }
