/**
 * A durable function in memory: its run, and what of its journal it was given.
 *
 * F1  It is told entries in their order, without gaps. What it has seen is what it was told, once it rests.
 * F2  It may be let go of and begun again from its entries at any moment: that changes nothing.
 * F3  Only whoever holds it hears it. What it says while nobody does makes it worthless: it is replayed when it is wanted again.
 */
import { validated } from '../definition/schema.js'
import { Baton } from '../durable/baton.js'
import type { Divergence } from '../durable/divergence.js'
import type { JournalEntry } from '../durable/entries.js'
import type { Command, FunctionEnd } from '../durable/port.js'
import type { Run } from '../durable/run.js'
import { startFunction } from '../durable/start.js'
import { failureOfThrown } from '../durable/outcome.js'
import type { FunctionDefinition } from '../function/define-function.js'
import { seedOf } from '../function/seed.js'
import { inTurnOfLoop, turnsOfNode } from './turns.js'
import { entryBytes } from './wire-entries.js'

/** Of all functions in a process one has its turn at a time. */
const baton = new Baton(turnsOfNode())

/** Calls for the end of the turns that wait for the loop. */
let waiting = 0

/** Whether any function in this process goes on right now, or what it handed in has yet to leave. */
export const functionsAreBusy = (): boolean => baton.isBusy || waiting > 0

/** Calls back when no function of the process is to be resumed, or when the loop has its turn: what they hand in until then leaves together. */
export const whenTurnsAreOver = (callback: () => void): void => {
  if (!baton.isBusy) return callback()
  waiting++
  inTurnOfLoop(() => {
    waiting--
    callback()
  })
}

/** What a function says to whoever holds it. */
export interface Holder {
  /** It rests, and asks for this beyond its journal: often nothing. */
  readonly rests: (commands: readonly Command[]) => void
  readonly ended: (end: FunctionEnd, commands: readonly Command[]) => void
  readonly diverged: (divergence: Divergence) => void
}

export interface Beginning {
  readonly taskId: string
  readonly life: number
  /** JSON text. */
  readonly input: string
  /** Milliseconds since 1970. */
  readonly beganAtMs: number
}

export class LiveFunction {
  readonly beginning: Beginning
  readonly #definition: FunctionDefinition
  readonly #entries: JournalEntry[]
  #bytes: number
  #holder: Holder | undefined
  #run: Run | undefined
  /** Changes with every run, so that one that was let go of is not heard. */
  #runs = 0
  /** What it asked to record as patched: begun again, it is told so again, whether that is in its journal yet or not. */
  readonly #patches = new Set<string>()
  #resting = false
  #worthless = false

  constructor(definition: FunctionDefinition, beginning: Beginning, entries: readonly JournalEntry[], holder: Holder) {
    this.#definition = definition
    this.beginning = beginning
    this.#entries = [...entries]
    this.#bytes = entries.reduce((sum, entry) => sum + entryBytes(entry), beginning.input.length)
    this.#holder = holder
    this.#begin()
  }

  /** Entries it was given. */
  get length(): number {
    return this.#entries.length
  }

  /** About how much memory it takes, by the text of its journal. */
  get bytes(): number {
    return this.#bytes
  }

  /** It rests and waits for operations alone. */
  get isWaiting(): boolean {
    return this.#resting && this.#run?.waits === true
  }

  get isWorthless(): boolean {
    return this.#worthless
  }

  held(holder: Holder | undefined): void {
    this.#holder = holder
  }

  tell(entries: readonly JournalEntry[]): void {
    this.#entries.push(...entries)
    for (const entry of entries) this.#bytes += entryBytes(entry)
    this.#resting = false
    this.#run?.deliver(entries)
  }

  /** F2: begins again from what it was told. */
  again(more: readonly JournalEntry[] = []): void {
    this.#entries.push(...more)
    for (const entry of more) this.#bytes += entryBytes(entry)
    this.#begin()
  }

  /** Lets go of it. */
  stop(): void {
    this.#runs++
    this.#run?.stop()
    this.#run = undefined
    this.#resting = false
    this.#holder = undefined
    this.#worthless = true
  }

  #begin(): void {
    this.#run?.stop()
    this.#run = undefined
    this.#resting = false
    this.#worthless = false
    const { schema, name } = this.#definition
    const number = ++this.#runs
    const fail = (thrown: unknown): void =>
      this.#say(number, (holder) => holder.ended({ type: 'failed', failure: failureOfThrown(thrown) }, []))
    try {
      const value: unknown = JSON.parse(this.beginning.input)
      const input = schema === undefined ? value : validated(schema, value, `the function ${name}`)
      if (input instanceof Promise) input.then((checked) => this.#start(number, checked), fail)
      else this.#start(number, input)
    } catch (thrown) {
      // Whoever begins it hears nothing of it before it has it.
      queueMicrotask(() => fail(thrown))
    }
  }

  #start(number: number, input: unknown): void {
    if (number !== this.#runs) return
    const { taskId, life, beganAtMs: startedAt } = this.beginning
    const rests = (commands: readonly Command[]): void => {
      if (number === this.#runs) this.#resting = true
      for (const { type, key } of commands) if (type === 'patch') this.#patches.add(key)
      this.#say(number, (holder) => holder.rests(commands), commands.length > 0)
    }
    // The body takes what its schema gives, or what its author says the input is.
    this.#run = startFunction(
      this.#definition.body,
      input as never,
      { taskId, seed: seedOf(taskId, life), startedAt, history: this.#entries, patches: this.#patches },
      {
        issue: rests,
        rests: () => rests([]),
        end: (end, commands) => this.#say(number, (holder) => holder.ended(end, commands)),
        diverged: (divergence) => this.#say(number, (holder) => holder.diverged(divergence)),
      },
      baton,
    )
  }

  #say(number: number, say: (holder: Holder) => void, matters = true): void {
    if (number !== this.#runs) return
    if (this.#holder !== undefined) say(this.#holder)
    else if (matters) this.#worthless = true
  }
}
