/** The durable functions of a worker: their runs, and those it keeps while they are suspended. */
import type { AttemptRef, JournalNews, JournalRecord, StepCommand, StepResult } from '@tasker/proto'
import type { Clock } from '../clock.js'
import { failureOf } from '../errors/failure.js'
import type { FunctionDefinition } from '../function/define-function.js'
import { LIMITS } from '../limits.js'
import type { Logger } from '../logger.js'
import { attemptKey } from '../worker/attempt.js'
import { failureResult } from '../worker/result.js'
import { FunctionAttempt, type FunctionAttemptPorts } from './function-attempt.js'
import { KeptFunctions } from './kept-functions.js'
import { whenTurnsAreOver } from './live-function.js'
import type { AroundFunctionStep } from './local-steps.js'

const onlyRun: AroundFunctionStep = (_step, _scope, run) => run()

export interface FunctionsOptions {
  /** By handler. */
  readonly definitions: ReadonlyMap<string, FunctionDefinition>
  readonly cacheBytes: number
  readonly keepMs: number
  readonly replaysAlways: boolean
  readonly around?: AroundFunctionStep | undefined
}

export interface FunctionsPorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly onResult: (result: StepResult) => void
  readonly onRecord: (record: JournalRecord) => void
  readonly onWanted: (ref: AttemptRef) => void
}

export class Functions {
  readonly #options: FunctionsOptions
  readonly #ports: FunctionsPorts
  readonly #kept: KeptFunctions
  readonly #attempts = new Map<string, FunctionAttempt>()
  /** What is on its way out. */
  #said: (() => void)[] = []
  #resultBytesMax: number = LIMITS.resultBytesMax
  #leaving = false

  constructor(options: FunctionsOptions, ports: FunctionsPorts) {
    this.#options = options
    this.#ports = ports
    this.#kept = new KeptFunctions(options.cacheBytes, options.keepMs, ports.clock)
  }

  /** How many run or hold a result. */
  get size(): number {
    return this.#attempts.size
  }

  setResultBytesMax(bytes: number): void {
    this.#resultBytesMax = bytes
  }

  start(command: StepCommand): void {
    const { ref, handler } = command
    if (ref === undefined) return this.#ports.logger.warn('the server sent a command that names no attempt')
    const key = attemptKey(ref)
    if (this.#attempts.has(key)) return
    const definition = this.#options.definitions.get(handler)
    if (definition === undefined) {
      const failure = failureOf('HANDLER_NOT_FOUND', `this worker has no function ${handler}`, false)
      return this.#ports.onResult(failureResult(ref, failure))
    }
    const attempt = new FunctionAttempt(ref, command, definition, this.#portsOf(key))
    this.#attempts.set(key, attempt)
    attempt.start(command)
  }

  hear(news: JournalNews): void {
    if (news.ref !== undefined) this.#attempts.get(attemptKey(news.ref))?.hear(news)
  }

  /** The server has the result. */
  acknowledged(ref: AttemptRef): void {
    const key = attemptKey(ref)
    if (this.#attempts.get(key)?.result !== undefined) this.#attempts.delete(key)
  }

  forget(ref: AttemptRef): void {
    const attempt = this.#attempts.get(attemptKey(ref))
    this.#attempts.delete(attemptKey(ref))
    attempt?.abandon('the run of the function is not this worker’s any more')
  }

  refs(): AttemptRef[] {
    return Array.from(this.#attempts.values(), ({ ref }) => ref)
  }

  /** What is sent again after a reconnect. */
  unacknowledged(): { readonly results: StepResult[]; readonly records: JournalRecord[]; readonly wanted: AttemptRef[] } {
    const attempts = [...this.#attempts.values()]
    return {
      results: attempts.flatMap(({ result }) => (result === undefined ? [] : [result])),
      records: attempts.flatMap(({ unanswered }) => unanswered),
      wanted: attempts.flatMap(({ wantsJournal, ref }) => (wantsJournal ? [ref] : [])),
    }
  }

  sweep(nowMs: number): void {
    this.#kept.sweep(nowMs)
  }

  /** Nothing is kept any more. */
  leave(): void {
    this.#leaving = true
    this.#kept.clear()
  }

  /** Lets go of what runs. It gets no result: the server gives it to another worker, which replays it. */
  stop(): void {
    this.leave()
    for (const attempt of [...this.#attempts.values()]) if (attempt.result === undefined) attempt.abandon('the worker stops')
  }

  /** Gives up even what the server has not acknowledged. */
  giveUp(): void {
    this.stop()
    this.#attempts.clear()
  }

  /** Records and results leave together, in the order in which they came to be. */
  #say(say: () => void): void {
    this.#said.push(say)
    if (this.#said.length > 1) return
    whenTurnsAreOver(() => {
      const said = this.#said
      this.#said = []
      for (const each of said) each()
    })
  }

  #portsOf(key: string): FunctionAttemptPorts {
    const { clock, logger, onRecord, onResult, onWanted } = this.#ports
    return {
      clock,
      logger,
      kept: this.#kept,
      say: (record) => this.#say(() => onRecord(record)),
      wantJournal: onWanted,
      onResult: (result) => this.#say(() => onResult(result)),
      onOver: () => void this.#attempts.delete(key),
      bytesMax: () => this.#resultBytesMax,
      replaysAlways: this.#options.replaysAlways,
      isLeaving: () => this.#leaving,
      around: this.#options.around ?? onlyRun,
    }
  }
}
