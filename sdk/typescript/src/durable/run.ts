/**
 * The scheduler of one durable function: it resumes the function with what its journal holds, and issues what the function asks for beyond.
 *
 * S1  A function is resumed by one fact at a time, and only when it rests: what it does follows from its code and the order of its journal.
 * S2  Nothing is issued before the whole journal is read, and nothing that it holds is issued again.
 * S3  What the function asks for until it has nothing left to read is issued together.
 * S4  An operation is settled once, with the value that is recorded.
 * S5  If the journal holds an operation that was not asked for when all of it is read, or that is another under its key, the function has
 *     diverged: nothing of it was issued, and nothing of it runs any more.
 * S6  Once it has ended, diverged or been stopped it is resumed no more; an operation that is asked for then is refused.
 */
import { CancelledError } from '../errors/handler-errors.js'
import { isThenable } from './thenable.js'
import type { Answer, Awaitable } from './awaitable.js'
import type { Baton } from './baton.js'
import { Conditions } from './conditions.js'
import { divergenceOf, entryTold, isKeyed, speaksOf, type Divergence } from './divergence.js'
import type { JournalEntry, KeyedEntry } from './entries.js'
import { Journal, type Instead } from './journal.js'
import { Mailbox } from './mailbox.js'
import { afterEnd, inStep, ofAnotherTask, outsideTurn } from './misuse.js'
import type { Operation, Request } from './operation.js'
import { Operations } from './operations.js'
import { errorOf } from './outcome.js'
import type { Command, FunctionEnd, JournalPort } from './port.js'
import { Scope } from './scope.js'
import { StateValues } from './state-values.js'
import { Updates } from './updates.js'

/** What a run begins with. */
export interface RunStart {
  readonly taskId: string
  /** What its dice follow from; the same for every run of a task. */
  readonly seed: string
  /** When the function began, in milliseconds since 1970. */
  readonly startedAt: number
  /** What an earlier run may have seen. */
  readonly history: readonly JournalEntry[]
  /** Patches that an earlier run in this place was told yes; what it asked for is on its way to the journal. */
  readonly patches?: Iterable<string>
}

/** Calls the function, and says once how it ended. */
export type Begin = (run: Run, ended: (end: FunctionEnd) => void) => void

export class Run {
  readonly taskId: string
  readonly seed: string
  readonly root = new Scope('')
  readonly mailbox = new Mailbox()
  readonly state = new StateValues()
  readonly updates = new Updates(() => {
    if (!this.#resuming) this.#goOn()
  })
  readonly conditions = new Conditions()
  readonly #operations = new Operations()
  readonly #port: JournalPort
  readonly #baton: Baton
  readonly #journal: Journal
  /** Held entries whose operation was asked for since: they go before what is read next. */
  readonly #claimed: (KeyedEntry & JournalEntry)[] = []
  /** What was answered to `patched`, and what of it is still to be recorded. */
  readonly #patched = new Map<string, boolean>()
  #patches: string[] = []
  #now: number
  #turn = 0
  #stepsHere = 0
  #resuming = false
  #ended: FunctionEnd | undefined
  #over = false

  constructor(start: RunStart, begin: Begin, port: JournalPort, baton: Baton) {
    this.taskId = start.taskId
    this.seed = start.seed
    this.#now = start.startedAt
    this.#port = port
    this.#baton = baton
    this.#journal = new Journal(start.history, start.patches)
    this.#resume(() => begin(this, (end) => this.#hasEnded(end)))
  }

  /** The instant of what the function saw last. */
  get now(): number {
    return this.#now
  }

  /** Whether it asked for something that is not settled. If not, and it has not ended, it waits for something that is no operation. */
  get waits(): boolean {
    return this.#operations.areWaiting
  }

  /** It ended, diverged or was stopped (S6). */
  get isOver(): boolean {
    return this.#over
  }

  /** More of the journal, in its order. */
  deliver(entries: readonly JournalEntry[]): void {
    this.#journal.append(entries)
    if (!this.#resuming) this.#goOn()
  }

  /** The function is let go of as it is: it goes on elsewhere, or later, from its journal. */
  stop(): void {
    this.#over = true
  }

  /** Throws unless the function may ask for something now. */
  guard(scope: Scope, what: string): void {
    const { holder, step } = this.#baton
    if (step !== undefined) throw inStep(what, step)
    if (holder !== undefined && holder !== this) throw ofAnotherTask(what)
    if (this.#over || scope.closed) throw afterEnd(what)
    if (holder === undefined) throw this.#stepsHere > 0 ? inStep(what, 'that runs') : outsideTurn(what)
  }

  /** Asks for an operation. What the journal holds of it comes when the function rests. */
  ask<T>(request: Request): { readonly operation: Operation; readonly answer: Awaitable<T> } {
    this.guard(request.scope, `${request.kind} ${request.name}`)
    const asked = this.#operations.ask<T>(request, this.#turn)
    if (request.scope.cancelled !== undefined) this.#operations.abandon(asked.operation, request.scope.cancelled)
    this.#claimed.push(...this.#journal.claim(asked.operation.told.key))
    return asked
  }

  /** Something to wait for that is made of operations. */
  awaitable<T>(what: string): Awaitable<T> {
    return this.#operations.awaitable(what)
  }

  /** Answers an operation by what the function has seen. */
  answer(operation: Operation, value: unknown): void {
    this.#operations.settle(operation, (answer) => answer.resolve(value))
  }

  /** Refuses an operation for what happened while it was answered. */
  fail(operation: Operation, error: unknown): void {
    this.#operations.settle(operation, (answer) => answer.reject(error))
  }

  /** The first of what was asked for and never awaited. */
  get neverAwaited(): string | undefined {
    return this.#operations.neverAwaited
  }

  /** Whether new code may be taken: as it was told before, or yes where no earlier run came past here. */
  patched(id: string): boolean {
    const told = this.#patched.get(id)
    if (told !== undefined) return told
    const recorded = this.#journal.isPatched(id)
    const patched = recorded || !this.#journal.isReplay
    this.#patched.set(id, patched)
    if (patched && !recorded) this.#patches.push(id)
    return patched
  }

  /** Now, if it is the function's turn, or when it is. */
  inTurn(act: () => void): void {
    if (this.#baton.holder === this) act()
    else this.#resume(act)
  }

  /** Calls what a step does. What is asked for from inside it is refused. */
  callStep(name: string, call: () => unknown): unknown {
    this.#stepsHere++
    const over = (): void => {
      this.#stepsHere--
    }
    try {
      const given = this.#baton.inside(name, call)
      if (isThenable(given)) Promise.resolve(given).then(over, over)
      else over()
      return given
    } catch (thrown) {
      over()
      throw thrown
    }
  }

  #resume(act: () => void): void {
    this.#resuming = true
    this.#baton.take(
      this,
      () => {
        this.#turn++
        if (!this.#over) act()
      },
      () => {
        this.#resuming = false
        this.#goOn()
      },
    )
  }

  /** A function that waited for something outside ends in nobody's turn. */
  #hasEnded(end: FunctionEnd): void {
    this.#ended ??= end
    if (!this.#resuming) this.#goOn()
  }

  /** The function rests: the next fact that resumes it, or the end of the journal. */
  #goOn(): void {
    while (!this.#over) {
      const come = this.#ended === undefined ? this.conditions.first() : undefined
      if (come !== undefined) return this.#resume(come)
      const entry = this.#claimed.shift() ?? this.#journal.next()
      if (entry === undefined) return this.#atEnd()
      this.#now = Math.max(this.#now, entry.at)
      const act = isKeyed(entry) ? this.#keyed(entry) : this.#fact(entry)
      if (act !== undefined) return this.#resume(act)
    }
  }

  #fact(entry: Exclude<JournalEntry, KeyedEntry>): (() => void) | undefined {
    switch (entry.type) {
      case 'signal.received':
        return () => this.mailbox.put(entry.name, { number: entry.number, payload: valueOf(entry.payload) })
      case 'update.received': {
        const { id, name, payload } = entry
        return this.#journal.hasRefused(id) ? undefined : () => this.updates.take(id, name, valueOf(payload))
      }
      case 'update.answered':
        this.updates.wasAnswered(entry.id)
        return undefined
      case 'task.cancel_requested':
        return () => this.root.cancel(new CancelledError(cancelMessage(entry.reason)))
      case 'function.ended':
        return undefined
      case 'effect.recorded':
        if (entry.kind === 'state') this.state.wasRecorded(entry.key, entry.value)
        return undefined
    }
  }

  #keyed(entry: KeyedEntry & JournalEntry): (() => void) | undefined {
    const operation = this.#operations.get(entry.key)
    if (operation === undefined) {
      this.#journal.hold(entry, this.#instead())
      return undefined
    }
    if (speaksOf(entry, operation.told)) return this.#heard(entry, operation)
    this.#diverge(divergenceOf(entryTold(entry), operation.told, operation.site))
    return undefined
  }

  #heard(entry: KeyedEntry, operation: Operation): (() => void) | undefined {
    switch (entry.type) {
      case 'timer.started':
      case 'call.started':
      case 'child.started':
        this.#operations.opened(operation)
        return undefined
      case 'timer.cancelled':
        this.#operations.closed(operation)
        return undefined
      case 'timer.fired':
        return this.#overWith(operation, (answer) => answer.resolve(undefined))
      case 'effect.recorded':
      case 'call.ended':
      case 'child.ended':
        return this.#overWith(operation, answerWith(entry))
    }
  }

  /** S4: what comes for an operation that is settled resumes nobody. */
  #overWith(operation: Operation, how: (answer: Answer) => void): (() => void) | undefined {
    return this.#operations.closed(operation) ? () => this.#operations.settle(operation, how) : undefined
  }

  #instead(): Instead {
    return this.#ended === undefined ? this.#operations.instead(this.#turn) : { told: 'end', site: undefined }
  }

  /** All of the journal is read: if it fits, the function goes on beyond it. */
  #atEnd(): void {
    const divergence = this.#journal.unclaimed() ?? this.#pastItsEnd()
    if (divergence !== undefined) return this.#diverge(divergence)
    if (this.#ended !== undefined) return this.#end(this.#ended)
    const commands = [...this.#notes(), ...this.#operations.begun(), ...this.#operations.unwanted()]
    if (commands.length > 0) this.#port.issue(commands)
    else this.#port.rests?.()
  }

  /** It ended once, and now it does not. */
  #pastItsEnd(): Divergence | undefined {
    if (!this.#journal.hasEnded || this.#ended !== undefined) return undefined
    const { told, site } = this.#operations.instead(this.#turn)
    return divergenceOf('end', told, site)
  }

  #end(end: FunctionEnd): void {
    this.#over = true
    // What came after it asked to continue is unread too.
    const last = end.type === 'continued' ? { ...end, unread: this.mailbox.unread } : end
    this.#port.end(last, this.#notes())
  }

  #diverge(divergence: Divergence): void {
    this.#over = true
    this.#port.diverged(divergence)
  }

  /** What is recorded and answers nobody. */
  #notes(): readonly Command[] {
    const patches = this.#patches.map((key): Command => ({ type: 'patch', key }))
    this.#patches = []
    return [
      ...patches,
      ...this.updates.answers(),
      ...this.state.changes().map(([key, value]): Command => ({ type: 'state', key, value })),
    ]
  }
}

const valueOf = (text: string): unknown => JSON.parse(text)

const cancelMessage = (reason: string): string => `the task is being cancelled${reason === '' ? '' : `: ${reason}`}`

const answerWith = ({ key, outcome }: Extract<KeyedEntry, { readonly outcome: unknown }>): ((answer: Answer) => void) =>
  outcome.type === 'succeeded'
    ? (answer) => answer.resolve(valueOf(outcome.result))
    : (answer) => answer.reject(errorOf(key, outcome))
