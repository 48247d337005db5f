/** What durable functions of a world do and see there, told to whoever looks on. */

import { parseTaskId, present, type TaskId } from '@tasker/core'

/** One value that a function saw, at a place of its code, in one of its lives. */
export interface Saw {
  readonly taskId: TaskId
  readonly place: string
  /** JSON text. */
  readonly value: string
}

/** A signal that a function took. */
export interface Took {
  readonly taskId: TaskId
  readonly place: string
  readonly signal: string
  readonly name: string
}

export interface StageParts {
  readonly saw: (saw: Saw) => void
  readonly took: (took: Took) => void
}

export class Stage {
  readonly #parts: StageParts
  #effects = 0

  constructor(parts: StageParts) {
    this.#parts = parts
  }

  /** Something that happens in the world: no two are alike, so a function that sees another one sees that it is another. */
  effect(place: string): { readonly place: string; readonly effect: number } {
    return { place, effect: ++this.#effects }
  }

  saw(taskId: string, place: string, value: unknown): void {
    this.#parts.saw({ taskId: idOf(taskId), place, value: JSON.stringify(value ?? null) })
  }

  took(taskId: string, place: string, name: string, signal: string): void {
    this.#parts.took({ taskId: idOf(taskId), place, name, signal })
  }
}

const idOf = (taskId: string): TaskId => present(parseTaskId(taskId), 'the task of a function')
