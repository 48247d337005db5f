/** A durable function whose journal is turned by hand: the test says what happens, and when. */
import { Baton } from '@tasker/sdk/internal/durable/baton'
import type { FunctionContext } from '@tasker/sdk/internal/durable/context'
import type { Divergence } from '@tasker/sdk/internal/durable/divergence'
import type { JournalEntry, JournalFact } from '@tasker/sdk/internal/durable/entries'
import type { Command, FunctionEnd, RunStep } from '@tasker/sdk/internal/durable/port'
import type { Run } from '@tasker/sdk/internal/durable/run'
import { startFunction } from '@tasker/sdk/internal/durable/start'

export interface HandTurned {
  readonly run: Run
  /** Every issue, in order. */
  readonly issued: Command[][]
  end: FunctionEnd | undefined
  divergence: Divergence | undefined
  /** Tells the function something, and waits until it rests. */
  readonly tell: (...facts: JournalFact[]) => Promise<void>
  /** Waits until the function rests. */
  readonly rest: () => Promise<void>
  /** Everything issued so far, as `kind key`. */
  readonly asked: () => readonly string[]
  readonly step: (key: string) => RunStep
}

/** What happens one after another is a second apart. */
export const SECOND = 1_000
export const BEGAN_AT = Date.UTC(2026, 0, 1)

/** Functions of one process: one runs at a time. */
export class Process {
  readonly baton: Baton
  #resting = 0

  constructor() {
    this.baton = new Baton({
      rest: (callback) => {
        this.#resting++
        setImmediate(() => {
          this.#resting--
          callback()
        })
      },
    })
  }

  async rest(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve))
    while (this.#resting > 0)
  }
}

export const entriesOf = (facts: readonly JournalFact[], after = 0): readonly JournalEntry[] =>
  facts.map((fact, index) => ({ ...fact, at: BEGAN_AT + (after + index + 1) * SECOND }))

interface Given {
  readonly history?: readonly JournalFact[]
  readonly process?: Process
  readonly taskId?: string
  readonly input?: unknown
}

export const begin = async (
  body: (context: FunctionContext, input: never) => unknown,
  { history = [], process = new Process(), taskId = 'task', input = {} }: Given = {},
): Promise<HandTurned> => {
  const issued: Command[][] = []
  let told = history.length
  const hand: { end: FunctionEnd | undefined; divergence: Divergence | undefined } = { end: undefined, divergence: undefined }
  const run = startFunction(
    body,
    input as never,
    { taskId, seed: taskId, startedAt: BEGAN_AT, history: entriesOf(history) },
    {
      issue: (commands) => issued.push([...commands]),
      end: (end, commands) => {
        if (commands.length > 0) issued.push([...commands])
        hand.end = end
      },
      diverged: (divergence) => {
        hand.divergence = divergence
      },
    },
    process.baton,
  )
  const rest = (): Promise<void> => process.rest()
  await rest()
  return Object.assign(hand, {
    run,
    issued,
    rest,
    tell: async (...facts: JournalFact[]) => {
      run.deliver(entriesOf(facts, told))
      told += facts.length
      await rest()
    },
    asked: () => issued.flat().map((command) => `${command.type} ${command.key}`),
    step: (key: string) => {
      const found = issued.flat().find((command) => command.type === 'step' && command.key === key)
      if (found?.type !== 'step') throw new Error(`the step ${key} was not issued`)
      return found
    },
  })
}

export const effect = (key: string, result: unknown): JournalFact => ({
  type: 'effect.recorded',
  kind: 'step',
  key,
  outcome: { type: 'succeeded', result: JSON.stringify(result) },
})

export const failedEffect = (key: string, message: string, code = ''): JournalFact => ({
  type: 'effect.recorded',
  kind: 'step',
  key,
  outcome: {
    type: 'failed',
    failure: { message, errorType: 'PermanentError', code, retryable: false, retryAfterMs: 0, stack: '' },
  },
})

export const fired = (key: string, kind: 'timer' | 'signal' = 'timer'): JournalFact => ({ type: 'timer.fired', kind, key })

export const started = (key: string, kind: 'timer' | 'signal' = 'timer'): JournalFact => ({
  type: 'timer.started',
  kind,
  key,
  dueAt: BEGAN_AT,
})

export const signalled = (name: string, payload: unknown, number = 1): JournalFact => ({
  type: 'signal.received',
  number,
  name,
  payload: JSON.stringify(payload),
})

export const cancelled = (reason = ''): JournalFact => ({ type: 'task.cancel_requested', reason })

/** What a function returned. */
export const resultOf = ({ end }: HandTurned): unknown => (end?.type === 'returned' ? JSON.parse(end.result) : end)
