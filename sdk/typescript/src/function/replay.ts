/** Replays the history of a durable function against its code: the gate between a change of the code and the tasks that are under way. */
import { validated } from '../definition/schema.js'
import { Baton } from '../durable/baton.js'
import { placeInWords, type Divergence } from '../durable/divergence.js'
import type { Command, FunctionEnd, JournalPort, Turns } from '../durable/port.js'
import { startFunction } from '../durable/start.js'
import { TaskerError } from '../errors/tasker-error.js'
import { turnsOfNode } from '../runner/turns.js'
import type { FunctionDefinition } from './define-function.js'
import { historyOf, type AnyHistory } from './recorded.js'
import { seedOf } from './seed.js'

/** Where the function is when all of its journal is read. */
export type Replayed =
  | { readonly type: 'ended'; readonly end: FunctionEnd }
  /** It goes on from here; `asksFor` is what it asks for beyond its journal. */
  | { readonly type: 'waiting'; readonly asksFor: readonly Command[] }

/** The code asks for something else than was recorded. */
export class FunctionDivergedError extends TaskerError {
  readonly divergence: Divergence
  /** What the journal holds there, and what the code asked for in its place, in words. */
  readonly expected: string
  readonly actual: string
  /** `file:line:column` of the call; empty where there is none. */
  readonly line: string

  constructor(name: string, divergence: Divergence) {
    super({
      code: 'INVALID_STATE',
      reason: 'FUNCTION_DIVERGED',
      message: `the function ${name} has diverged: ${divergence.message}`,
      hint: 'keep the version that the task began with, or put what is new behind `ctx.patched(id)`',
    })
    this.divergence = divergence
    this.expected = placeInWords(divergence.expected)
    this.actual = placeInWords(divergence.actual)
    this.line = divergence.line
  }
}

/**
 * Runs the function on its history, which may also be all events of its task, as `tasker task history --json` prints them. No step of it is run: what it did is what was recorded. Throws `FunctionDivergedError` for code that does
 * not fit, and `INVALID_INPUT` for an input that does not fit the schema.
 */
export const replay = async (history: AnyHistory, definition: FunctionDefinition): Promise<Replayed> => {
  const { name, schema, body } = definition
  const { taskId, startedAt, journal, life = 1, input: recorded } = historyOf(history)
  const input = schema === undefined ? recorded : await validated(schema, recorded, `the function ${name}`)
  const start = { taskId, seed: seedOf(taskId, life), startedAt, history: journal }
  return new Promise((resolve, reject) => {
    const asksFor: Command[] = []
    const port: JournalPort = {
      issue: (commands) => {
        asksFor.push(...commands)
      },
      end: (end) => resolve({ type: 'ended', end }),
      diverged: (divergence) => reject(new FunctionDivergedError(name, divergence)),
    }
    const turns = turnsUntil(() => resolve({ type: 'waiting', asksFor }))
    // The body takes what its schema gives, or what its author says the input is.
    startFunction(body, input as never, start, port, new Baton(turns))
  })
}

/** As in a worker; `done` is called when none follows another. */
const turnsUntil = (done: () => void): Turns => {
  const turns = turnsOfNode()
  let open = 0
  return {
    rest: (callback) => {
      open++
      turns.rest(() => {
        open--
        callback()
        if (open === 0) done()
      })
    },
  }
}
