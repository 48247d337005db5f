/**
 * One run of a durable function on this worker, from its command to its result or its pause (W20 to W25).
 *
 * A1  Its journal is collected to the length that the command says before the function begins or goes on.
 * A2  What it asks for together is handed in together; its steps start when that is recorded.
 * A3  A function that waits for nothing that runs here is suspended, with what it asked for last. Until that is answered it is told nothing.
 * A4  It ends once: with a result after everything handed in is answered, suspended, diverged, or taken away.
 */
import {
  JournalPause,
  type AttemptRef,
  type JournalNews,
  type JournalProposal,
  type JournalRecord,
  type StepCommand,
  type StepResult,
} from '@tasker/proto'
import type { Clock } from '../clock.js'
import { placeInWords, type Divergence } from '../durable/divergence.js'
import type { JournalEntry } from '../durable/entries.js'
import type { Command, FunctionEnd, RunStep } from '../durable/port.js'
import { failureOf, fromUnknown, type Failure } from '../errors/failure.js'
import type { FunctionDefinition } from '../function/define-function.js'
import { LIMITS } from '../limits.js'
import type { Logger } from '../logger.js'
import { Collecting } from './collecting.js'
import type { KeptFunctions } from './kept-functions.js'
import { LiveFunction, type Holder } from './live-function.js'
import { LocalSteps, type AroundFunctionStep, type FunctionStep } from './local-steps.js'
import { proposalOf, textPayload, type Proposed } from './proposals.js'
import { Records } from './records.js'
import { resultOfEnd } from './result-of-end.js'
import { entryOfWire } from './wire-entries.js'

export interface FunctionAttemptPorts {
  readonly clock: Clock
  readonly logger: Logger
  readonly kept: KeptFunctions
  readonly say: (record: JournalRecord) => void
  readonly wantJournal: (ref: AttemptRef) => void
  readonly onResult: (result: StepResult) => void
  /** It is over without a result: suspended, diverged or taken away. */
  readonly onOver: () => void
  /** The server's bound of a result. */
  readonly bytesMax: () => number
  /** For tests: replays the function whenever it is told something. */
  readonly replaysAlways: boolean
  readonly isLeaving: () => boolean
  readonly around: AroundFunctionStep
}

type Phase =
  | { readonly type: 'collecting'; readonly journal: Collecting }
  | { readonly type: 'running'; readonly live: LiveFunction }
  /** The record with the number asks for it; what comes meanwhile waits. */
  | { readonly type: 'suspending'; readonly live: LiveFunction; readonly number: number; readonly held: JournalNews[] }
  /** The function has ended; what was handed in is not answered yet. */
  | { readonly type: 'ending'; readonly result: StepResult }
  /** It continues, or has diverged: the server says how it goes on. */
  | { readonly type: 'waiting' }
  | { readonly type: 'over' }

export class FunctionAttempt {
  readonly ref: AttemptRef
  /** The one result, once there is one (W4). */
  result: StepResult | undefined
  readonly #definition: FunctionDefinition
  readonly #ports: FunctionAttemptPorts
  readonly #records: Records
  readonly #steps: LocalSteps
  readonly #holder: Holder
  #phase: Phase
  #life: number
  /** Facts of the life that the server has told of, at least. */
  #length: number
  /** What it had seen when a suspension was not granted: not asked for again before it has seen more. */
  #seenInVain = -1

  constructor(ref: AttemptRef, command: StepCommand, definition: FunctionDefinition, ports: FunctionAttemptPorts) {
    const { life = 1, length = 0 } = command.function ?? {}
    this.ref = ref
    this.#definition = definition
    this.#ports = ports
    this.#life = life
    this.#length = length
    this.#records = new Records(ref, ports.say)
    this.#steps = new LocalSteps({
      clock: ports.clock,
      timeoutMs: command.timeoutMs,
      bytesMax: ports.bytesMax,
      invoke: (step, scope) => ports.around(namesOf(definition, step), scope, () => step.invoke(scope)),
      // Whatever is handed in begins the time of the run anew.
      lives: () => void this.#records.handIn(this.#life, []),
      handIn: (outcomes, recorded) => void this.#records.handIn(this.#life, outcomes, undefined, recorded),
    })
    this.#holder = {
      rests: (commands) => this.#rests(commands),
      ended: (end, commands) => this.#ended(end, commands),
      diverged: (divergence) => this.#diverged(divergence),
    }
    this.#phase = { type: 'collecting', journal: new Collecting(length) }
  }

  /** Records that are sent again after a reconnect. */
  get unanswered(): readonly JournalRecord[] {
    return this.#records.unanswered
  }

  /** The whole journal is asked for, and asked for again after a reconnect. */
  get wantsJournal(): boolean {
    return this.#phase.type === 'collecting' && this.#phase.journal.isAskedFor
  }

  start({ function: run }: StepCommand): void {
    if (run === undefined) return
    const { from, input, beganAtMs, entries } = run
    const live = this.#ports.kept.take(this.ref.taskId, this.#life, from)
    if (live !== undefined) return this.#goOn(live, { from, entries })
    if (from > 0) return this.#wantJournal()
    this.#orGiveUp(() => this.#tell({ input, beganAtMs }, this.#fresh({ from, entries })))
  }

  hear(news: JournalNews): void {
    const phase = this.#phase
    if (phase.type === 'over' || this.result !== undefined) return
    if (news.pause === JournalPause.JOURNAL_PAUSE_TAKEN_AWAY) return this.abandon('the run of the function was taken away')
    if (phase.type === 'suspending' && news.recorded !== phase.number) return void phase.held.push(news)
    this.#orGiveUp(() => this.#hear(news))
  }

  /** Not ours any more. */
  abandon(why: string): void {
    if (this.#phase.type === 'over') return
    this.#letGo(why)
    this.#phase = { type: 'over' }
    this.#ports.onOver()
  }

  #hear(news: JournalNews): void {
    // What came while it was to be suspended stands before this in the journal.
    if (news.pause !== JournalPause.JOURNAL_PAUSE_SUSPENDED) for (const earlier of this.#awake()) this.hear(earlier)
    if (this.#phase.type === 'over') return
    if (news.life > this.#life) this.#beginLife(news)
    const isNow = news.life === this.#life
    const fresh = isNow ? this.#fresh(news) : []
    if (news.refused?.retryable === true) this.#againLater(news.recorded)
    else if (news.recorded > 0) this.#records.answered(news.recorded)
    if (news.refused?.retryable === false) return this.#fail(failureOf(news.refused.reason, news.refused.message, false))
    if (isNow) this.#tell(news, fresh)
    if (news.pause === JournalPause.JOURNAL_PAUSE_SUSPENDED) return this.#suspended()
    if (news.pause !== JournalPause.JOURNAL_PAUSE_UNSPECIFIED) return this.abandon('the function waits for a person')
    if (this.#phase.type === 'ending') this.#answerWhenRecorded(this.#phase.result)
    else this.#suspendIfItWaits()
  }

  /** What a server cannot take now is nothing that the function did wrong. */
  #againLater(number: number): void {
    const again = this.#records.later(number)
    if (again === undefined) return
    this.#ports.clock.after(LIMITS.recordAgainMs, () => {
      if (this.#phase.type === 'over' || this.result !== undefined) return
      again()
      this.#seenInVain = -1
      if (this.#phase.type === 'ending') this.#answerWhenRecorded(this.#phase.result)
      else this.#suspendIfItWaits()
    })
  }

  /** What it does not have yet, of entries that stand behind the first `from`. Throws for what cannot be read. */
  #fresh({ from, entries }: Pick<JournalNews, 'from' | 'entries'>): readonly JournalEntry[] {
    const phase = this.#phase
    this.#length = Math.max(this.#length, from + entries.length)
    if (phase.type !== 'collecting' && phase.type !== 'running' && phase.type !== 'suspending') return []
    const { length } = phase.type === 'collecting' ? phase.journal : phase.live
    // What comes before the whole that was asked for comes with it again.
    if (from > length) return []
    const proposed = this.#records.proposed(this.#life)
    return entries.slice(length - from).map((entry) => entryOfWire(entry, proposed))
  }

  #tell(said: Pick<JournalNews, 'input' | 'beganAtMs'>, fresh: readonly JournalEntry[]): void {
    const phase = this.#phase
    if (phase.type === 'running' || phase.type === 'suspending') {
      if (fresh.length === 0) return
      if (this.#ports.replaysAlways) phase.live.again(fresh)
      else phase.live.tell(fresh)
    } else if (phase.type === 'collecting') {
      const { journal } = phase
      journal.add(fresh, said)
      const { whole } = journal
      if (whole === undefined) return
      const beginning = { taskId: this.ref.taskId, life: this.#life, ...whole }
      this.#phase = { type: 'running', live: new LiveFunction(this.#definition, beginning, journal.entries, this.#holder) }
    }
  }

  /** A journal that this library cannot read is for another worker: the server gives the run to it when this one is silent. */
  #orGiveUp(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      this.#ports.logger.error('the journal of a function cannot be read here', {
        ...this.ref,
        error: fromUnknown(thrown).message,
      })
      this.abandon('the journal cannot be read here')
    }
  }

  #wantJournal(): void {
    if (this.#phase.type === 'collecting') this.#phase.journal.isAskedFor = true
    this.#ports.wantJournal(this.ref)
  }

  /** A function that was kept goes on. */
  #goOn(live: LiveFunction, news: Pick<JournalNews, 'from' | 'entries'>): void {
    this.#phase = { type: 'running', live }
    live.held(this.#holder)
    this.#orGiveUp(() => this.#tell({ input: undefined, beganAtMs: 0 }, this.#fresh(news)))
    this.#suspendIfItWaits()
  }

  #beginLife({ life, from, entries }: JournalNews): void {
    this.#letGo('the function continues')
    this.#life = life
    this.#length = from + entries.length
    this.#seenInVain = -1
    this.#phase = { type: 'collecting', journal: new Collecting(this.#length) }
  }

  #rests(commands: readonly Command[]): void {
    const phase = this.#phase
    if (phase.type !== 'running') return
    const steps: RunStep[] = []
    const proposals: JournalProposal[] = []
    for (const command of commands) {
      if (command.type === 'step') {
        if (!this.#steps.has(command.key)) steps.push(command)
      } else if (command.type === 'cancel' && this.#steps.has(command.key)) this.#steps.cancel(command.key)
      else this.#propose(proposals, command)
    }
    if (this.#phase.type !== 'running') return
    const start = this.#steps.add(steps)
    if (proposals.length === 0) {
      start()
      this.#suspendIfItWaits()
    } else if (this.#maySuspend(phase.live)) this.#suspend(phase.live, proposals)
    else this.#records.handIn(this.#life, proposals, undefined, start)
  }

  /** What cannot be said fails the function. */
  #propose(proposals: JournalProposal[], command: Proposed): void {
    try {
      proposals.push(proposalOf(command))
    } catch (thrown) {
      this.#fail(fromUnknown(thrown))
    }
  }

  #maySuspend(live: LiveFunction): boolean {
    return (
      live.isWaiting &&
      this.#steps.size === 0 &&
      this.#records.areAnswered &&
      live.length >= this.#length &&
      live.length > this.#seenInVain
    )
  }

  #suspendIfItWaits(): void {
    if (this.#phase.type === 'running' && this.#maySuspend(this.#phase.live)) this.#suspend(this.#phase.live, [])
  }

  #suspend(live: LiveFunction, proposals: readonly JournalProposal[]): void {
    const { kept, isLeaving, replaysAlways } = this.#ports
    const keeps = !replaysAlways && !isLeaving() && kept.wouldKeep(live)
    const number = this.#records.handIn(this.#life, proposals, { $case: 'suspend', value: { seen: live.length, keeps } })
    live.held(undefined)
    this.#phase = { type: 'suspending', live, number, held: [] }
  }

  #suspended(): void {
    const phase = this.#phase
    if (phase.type !== 'suspending') return this.abandon('the function is suspended')
    const { live } = phase
    this.#phase = { type: 'over' }
    if (live.isWorthless || this.#ports.replaysAlways || this.#ports.isLeaving()) live.stop()
    else this.#ports.kept.keep(live)
    this.#ports.onOver()
  }

  /** If it was to be suspended and is not, because there is more to see, it goes on. Gives what came meanwhile. */
  #awake(): readonly JournalNews[] {
    if (this.#phase.type !== 'suspending') return []
    const { live, held } = this.#phase
    this.#phase = { type: 'running', live }
    this.#seenInVain = live.length
    live.held(this.#holder)
    if (live.isWorthless) live.again()
    return held
  }

  #ended(end: FunctionEnd, commands: readonly Command[]): void {
    if (this.#phase.type !== 'running') return
    const { live } = this.#phase
    const seen = live.length
    this.#letGo('the function has ended')
    const proposals = commands.flatMap((command) => (command.type === 'step' ? [] : [proposalOf(command)]))
    if (end.type === 'continued') {
      this.#phase = { type: 'waiting' }
      const value = { input: textPayload(end.input), seen, unread: [...end.unread] }
      return void this.#records.handIn(this.#life, proposals, { $case: 'continued', value })
    }
    const result = resultOfEnd(this.ref, end, this.#ports.bytesMax())
    this.#phase = { type: 'ending', result }
    if (proposals.length > 0) this.#records.handIn(this.#life, proposals)
    this.#answerWhenRecorded(result)
  }

  #answerWhenRecorded(result: StepResult): void {
    if (!this.#records.areAnswered) return
    this.result = result
    this.#ports.onResult(result)
  }

  #fail(failure: Failure): void {
    if (this.#phase.type === 'over' || this.result !== undefined) return
    this.#letGo('the function has failed')
    const result = resultOfEnd(this.ref, { type: 'failed', failure }, this.#ports.bytesMax())
    this.#phase = { type: 'ending', result }
    this.#answerWhenRecorded(result)
  }

  #diverged({ expected, actual, line, message }: Divergence): void {
    if (this.#phase.type !== 'running') return
    this.#letGo('the function has diverged')
    this.#ports.logger.error('a function asks for something else than its journal holds, and waits for a person', {
      ...this.ref,
      function: this.#definition.name,
      told: message,
    })
    this.#phase = { type: 'waiting' }
    const value = { expected: placeInWords(expected), actual: placeInWords(actual), line }
    this.#records.handIn(this.#life, [], { $case: 'diverged', value })
  }

  /** Nothing of it runs any more. */
  #letGo(why: string): void {
    this.#steps.abortAll(why)
    if (this.#phase.type === 'running' || this.#phase.type === 'suspending') this.#phase.live.stop()
  }
}

const namesOf = ({ name, version }: FunctionDefinition, step: RunStep): FunctionStep => ({
  function: name,
  version,
  name: step.name,
})
