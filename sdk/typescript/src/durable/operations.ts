/**
 * The operations of a function: what it asked for, and what of that the world has yet to hear.
 *
 * O1  What the journal knows is begun by nobody again; what is settled before it was begun is not begun at all.
 * O2  What is under way and waited for by nobody is cancelled, once a run.
 * O3  What was asked for and never awaited is known at the end.
 */
import type { CancelledError } from '../errors/handler-errors.js'
import { LIMITS } from '../limits.js'
import { Awaitable, type Answer } from './awaitable.js'
import { inWords } from './divergence.js'
import type { Instead } from './journal.js'
import { tooMany } from './misuse.js'
import { settle, type Operation, type Request } from './operation.js'
import type { Command } from './port.js'

export class Operations {
  readonly #byKey = new Map<string, Operation>()
  /** Asked for and not settled, in the order in which they were asked for. */
  readonly #waiting = new Set<Operation>()
  /** Asked for since the last issue. */
  #fresh: Operation[] = []
  #unwanted: Operation[] = []
  readonly #unawaited = new Map<object, string>()

  /** Whether any was asked for and is not settled. */
  get areWaiting(): boolean {
    return this.#waiting.size > 0
  }

  get(key: string): Operation | undefined {
    return this.#byKey.get(key)
  }

  /** Throws for one too many. */
  ask<T>(request: Request, turn: number): { readonly operation: Operation; readonly answer: Awaitable<T> } {
    const { scope, kind, target, name } = request
    if (this.#byKey.size >= LIMITS.functionOperationsMax && !scope.goesBack) throw tooMany(`${kind} ${name}`)
    const key = scope.keys.next(name, request.givenKey)
    const told = target === undefined ? { kind, key } : { kind, key, target }
    const answer = this.awaitable<T>(inWords(told))
    const operation: Operation = {
      told,
      turn,
      answer,
      site: request.site,
      begin: () => request.begin(key),
      phase: 'unknown',
      release: () => undefined,
    }
    this.#byKey.set(key, operation)
    this.#waiting.add(operation)
    this.#fresh.push(operation)
    operation.release = scope.hold({ abandon: (error) => this.abandon(operation, error) })
    return { operation, answer }
  }

  /** Something to wait for, which is missed at the end if nobody does. */
  awaitable<T>(what: string): Awaitable<T> {
    const mark = {}
    this.#unawaited.set(mark, what)
    return new Awaitable<T>(() => {
      this.#unawaited.delete(mark)
    })
  }

  /** The first that nobody awaited. */
  get neverAwaited(): string | undefined {
    const [what] = this.#unawaited.values()
    return what
  }

  /** The journal says that it is under way. */
  opened(operation: Operation): void {
    if (operation.phase === 'over') return
    operation.phase = 'open'
    if (operation.answer === undefined) this.#unwanted.push(operation)
  }

  /** The journal says that it is over. Gives whether anybody waits to hear it. */
  closed(operation: Operation): boolean {
    operation.phase = 'over'
    return operation.answer !== undefined
  }

  settle(operation: Operation, how: (answer: Answer) => void): void {
    this.#waiting.delete(operation)
    if (operation.phase === 'open') this.#unwanted.push(operation)
    settle(operation, how)
  }

  abandon(operation: Operation, error: CancelledError): void {
    this.settle(operation, (answer) => answer.reject(error))
  }

  /** O1: what has to be begun, and from now on is under way. */
  begun(): readonly Command[] {
    const commands: Command[] = []
    for (const operation of this.#fresh) {
      const command = operation.phase === 'unknown' ? operation.begin?.() : undefined
      if (command === undefined) continue
      commands.push(command)
      operation.phase = 'open'
      operation.begin = undefined
    }
    this.#fresh = []
    return commands
  }

  /** O2: what has to be cancelled. A signal that is on its way to another task is not called back. */
  unwanted(): readonly Command[] {
    const open = this.#unwanted.filter(({ phase, told }) => phase === 'open' && told.kind !== 'send')
    this.#unwanted = []
    return open.map(({ told }): Command => ({ type: 'cancel', key: told.key }))
  }

  /** What the function waits for in the place of something that the journal holds: what it asked for last, if anything. */
  instead(turn: number): Instead {
    const unknown = [...this.#waiting].filter(({ phase }) => phase === 'unknown')
    const operation = unknown.find((candidate) => candidate.turn === turn) ?? unknown[0]
    return operation === undefined ? { told: 'nothing', site: undefined } : { told: operation.told, site: operation.site }
  }
}
