/**
 * A world for durable functions, with one journal and dice: what was asked for happens in an order that the dice say. A run can be let go of at any
 * moment; the next one finds the journal, and what was under way outside, but no step that was running here.
 */
import type { FunctionContext } from '@tasker/sdk/internal/durable/context'
import type { Divergence } from '@tasker/sdk/internal/durable/divergence'
import type { JournalEntry, JournalFact } from '@tasker/sdk/internal/durable/entries'
import type { Command, FunctionEnd, JournalPort } from '@tasker/sdk/internal/durable/port'
import type { Run } from '@tasker/sdk/internal/durable/run'
import { startFunction } from '@tasker/sdk/internal/durable/start'
import { BEGAN_AT, Process } from './hand-turned.js'

export type Body = (context: FunctionContext, input: never) => unknown

/** Whether the run is let go of, now that so many things have happened. */
export type LetGo = (happened: number) => boolean

interface Happening {
  readonly isHere: boolean
  readonly happen: () => Promise<readonly JournalFact[]>
}

export interface Told {
  readonly journal: readonly JournalEntry[]
  readonly end: FunctionEnd | undefined
  readonly divergence: Divergence | undefined
  /** How often each step was run. */
  readonly runs: ReadonlyMap<string, number>
  readonly lives: number
}

/** More than any program here has. */
const HAPPENINGS_MAX = 2_000

export class SmallWorld {
  readonly #process = new Process()
  readonly #journal: JournalEntry[] = []
  readonly #pending = new Map<string, Happening>()
  readonly #runs = new Map<string, number>()
  readonly #known = new Set<string>()
  #run: Run | undefined
  #end: FunctionEnd | undefined
  #divergence: Divergence | undefined
  #lives = 0

  /** `draw` gives a whole number below its argument. */
  async live(body: Body, draw: (below: number) => number, letGo: LetGo): Promise<Told> {
    this.#begin(body)
    await this.#process.rest()
    for (let happened = 0; happened < HAPPENINGS_MAX && this.#isOpen(); happened++) {
      const keys = [...this.#pending.keys()].sort()
      const key = keys[draw(keys.length)]
      if (key === undefined) break
      await this.#happen(key)
      if (this.#isOpen() && letGo(happened)) this.#beginAgain(body)
      await this.#process.rest()
    }
    return { journal: this.#journal, end: this.#end, divergence: this.#divergence, runs: this.#runs, lives: this.#lives }
  }

  /** A signal comes from outside. */
  signal(name: string, payload: unknown): void {
    this.#pending.set(`signal ${name}`, {
      isHere: false,
      happen: async () => [{ type: 'signal.received', number: 1, name, payload: JSON.stringify(payload) }],
    })
  }

  cancel(): void {
    this.#pending.set('cancel', { isHere: false, happen: async () => [{ type: 'task.cancel_requested', reason: '' }] })
  }

  #isOpen(): boolean {
    return this.#end === undefined && this.#divergence === undefined
  }

  #begin(body: Body): void {
    this.#lives++
    const start = { taskId: 'task', seed: 'task', startedAt: BEGAN_AT, history: [...this.#journal] }
    const port: JournalPort = {
      issue: (commands) => this.#record(commands),
      end: (end, commands) => {
        this.#record(commands)
        this.#record([], [{ type: 'function.ended' }])
        this.#end = end
      },
      diverged: (divergence) => {
        this.#divergence = divergence
      },
    }
    this.#run = startFunction(body, undefined as never, start, port, this.#process.baton)
  }

  #beginAgain(body: Body): void {
    this.#run?.stop()
    for (const [key, { isHere }] of this.#pending) if (isHere) this.#pending.delete(key)
    this.#begin(body)
  }

  async #happen(key: string): Promise<void> {
    const happening = this.#pending.get(key)
    this.#pending.delete(key)
    if (happening !== undefined) this.#record([], await happening.happen())
  }

  /** What is issued is recorded together, and told to the run after it has gone to rest. */
  #record(commands: readonly Command[], more: readonly JournalFact[] = []): void {
    const facts = [...commands.flatMap((command) => this.#take(command)), ...more]
    const entries = facts.map((fact, index) => ({ ...fact, at: BEGAN_AT + this.#journal.length + index + 1 }))
    this.#journal.push(...entries)
    if (entries.length > 0) setImmediate((run) => run?.deliver(entries), this.#run)
  }

  #take(command: Command): readonly JournalFact[] {
    const { key } = command
    switch (command.type) {
      case 'step':
        this.#pending.set(key, { isHere: true, happen: async () => this.#runStep(command) })
        return []
      case 'send':
        this.#pending.set(key, { isHere: false, happen: async () => [{ ...succeeded(`sent ${key}`), kind: 'send', key }] })
        return []
      case 'timer':
        return this.#underWay({ type: 'timer.started', kind: command.kind, key, dueAt: command.dueAt }, [
          { type: 'timer.fired', kind: command.kind, key },
        ])
      case 'call':
        return this.#underWay({ type: 'call.started', key, target: command.target }, [
          { type: 'call.ended', key, outcome: succeeded(`called ${key}`).outcome },
        ])
      case 'child':
        return this.#underWay({ type: 'child.started', key, target: command.name }, [
          { type: 'child.ended', key, outcome: succeeded(`child ${key}`).outcome },
        ])
      case 'patch':
        return [{ type: 'effect.recorded', kind: 'patch', key }]
      case 'state':
        return [{ type: 'effect.recorded', kind: 'state', key, value: command.value }]
      case 'cancel':
        return this.#cancelled(key)
      case 'answer':
        return [{ type: 'update.answered', id: key, outcome: command.outcome }]
    }
  }

  /** J2: what is under way, or over, is not begun a second time. */
  #underWay(start: JournalFact & { readonly key: string }, ends: readonly JournalFact[]): readonly JournalFact[] {
    if (this.#known.has(start.key)) return []
    this.#known.add(start.key)
    this.#pending.set(start.key, { isHere: false, happen: async () => ends })
    return [start]
  }

  #cancelled(key: string): readonly JournalFact[] {
    this.#pending.delete(key)
    const started = this.#journal.find((entry) => entry.type === 'timer.started' && entry.key === key)
    return started?.type === 'timer.started' ? [{ type: 'timer.cancelled', kind: started.kind, key }] : []
  }

  async #runStep(step: Extract<Command, { readonly type: 'step' }>): Promise<readonly JournalFact[]> {
    this.#runs.set(step.key, (this.#runs.get(step.key) ?? 0) + 1)
    const result = await step.invoke({ signal: new AbortController().signal, attempt: 1 })
    return [{ ...succeeded(result), kind: 'step', key: step.key }]
  }
}

const succeeded = (value: unknown) =>
  ({ type: 'effect.recorded', outcome: { type: 'succeeded', result: JSON.stringify(value) } }) as const
