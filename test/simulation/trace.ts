/** What happened in a world, line by line, as people read it when a promise was broken. Lines are made into text only when somebody reads them. */
import { createHash } from 'node:crypto'
import type { TaskId } from '@tasker/core'

interface Line {
  readonly atMs: number
  /** Who did it: a server by its name, a worker, the log, the world. */
  readonly who: string
  readonly what: () => string
  /** The task it concerns. */
  readonly about: TaskId | undefined
}

/** Lines shown before a violation. */
const TAIL_LINES = 40
/** Lines of a task's own history shown at most, the last ones. */
const HISTORY_LINES = 120

export class Trace {
  readonly #nowMs: () => number
  readonly #lines: Line[] = []

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  add(who: string, what: () => string, about?: TaskId): void {
    this.#lines.push({ atMs: this.#nowMs(), who, what, about })
  }

  get length(): number {
    return this.#lines.length
  }

  /** Everything, from the beginning. */
  all(): readonly string[] {
    return this.#lines.map(textOf)
  }

  /** The lines before a place. */
  before(place: number): readonly string[] {
    return this.#lines.slice(Math.max(0, place - TAIL_LINES), place).map(textOf)
  }

  /** What concerns one task, up to a place. */
  historyOf(taskId: TaskId, place: number): readonly string[] {
    return this.#lines
      .slice(0, place)
      .filter(({ about }) => about === taskId)
      .slice(-HISTORY_LINES)
      .map(textOf)
  }

  /** The same for two runs only when everything in them was the same, to the last word. */
  digest(): string {
    const hash = createHash('sha256')
    for (const line of this.#lines) hash.update(`${textOf(line)}\n`)
    return hash.digest('hex')
  }
}

const textOf = ({ atMs, who, what }: Line): string => `${(atMs / 1_000).toFixed(3).padStart(9)}s  ${who.padEnd(9)} ${what()}`
