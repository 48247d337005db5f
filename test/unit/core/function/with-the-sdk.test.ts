// The two halves together, with nothing between them: functions of the SDK on the journal that the core keeps, on a clock of the test, with
// workers that are lost at any moment.
import {
  decide,
  evolve,
  factsOf,
  fold,
  nextDueAt,
  openTimersOf,
  present,
  stepId,
  TERMINAL_EVENTS,
  trustedJson,
  workerId,
  type EffectOutcome,
  type Failure,
  type JournalFact as CoreFact,
  type JournalProposal,
  type LiveTask,
  type TaskCommand,
  type TaskEvent,
  type TaskState,
} from '@tasker/core'
import type { FunctionContext } from '@tasker/sdk'
import type { JournalEntry, Outcome } from '@tasker/sdk/internal/durable/entries'
import type { Command, FunctionEnd, RunStep } from '@tasker/sdk/internal/durable/port'
import type { Run } from '@tasker/sdk/internal/durable/run'
import { startFunction } from '@tasker/sdk/internal/durable/start'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at, failure, functionPlan, stateAfter, submit } from '../../../support/given.js'
import { Process } from '../../sdk/durable/hand-turned.js'

type Body = (context: FunctionContext, input: never) => unknown

const DAY_MS = 86_400_000
const MOVES_MAX = 2_000
const WORKER = workerId('w1')
const RUN = stepId('run')

const entryOf = (fact: CoreFact, when: number): JournalEntry => {
  if (fact.type === 'task.cancel_requested') return { type: fact.type, reason: fact.reason ?? '', at: when }
  if (fact.type === 'update.answered') throw new Error(`${fact.type} is not of this test`)
  if (fact.type === 'child.started') return { type: fact.type, key: fact.key, target: fact.name, at: when }
  if (fact.type === 'child.ended' || fact.type === 'call.ended') return { ...fact, outcome: outcomeOf(fact.outcome), at: when }
  if (fact.type !== 'effect.recorded' || fact.kind === 'patch' || fact.kind === 'state') return { ...fact, at: when }
  const { type, kind, key, outcome } = fact
  return { type, kind, key, outcome: outcomeOf(outcome), at: when }
}

const outcomeOf = (outcome: EffectOutcome): Outcome => (outcome.type === 'failed' ? failedOf(outcome.failure) : outcome)

const failedOf = ({ message, errorType, code = '', retryable }: Failure): Outcome => ({
  type: 'failed',
  failure: { message, errorType, code, retryable, retryAfterMs: 0, stack: '' },
})

/** One task and the process that runs it. */
class Stage {
  readonly events: TaskEvent[] = []
  readonly #process = new Process()
  readonly #body: Body
  #state: TaskState = stateAfter(functionPlan, [])
  #nowMs = 0
  #run: Run | undefined
  #seen = 0
  #steps: RunStep[] = []
  #end: FunctionEnd | undefined
  lives = 0

  constructor(body: Body) {
    this.#body = body
    this.give(submit()(functionPlan))
  }

  get task(): LiveTask {
    if (this.#state.type !== 'task') throw new Error('no task yet')
    return this.#state
  }

  get isOver(): boolean {
    return this.task.endedAt !== undefined
  }

  give(command: TaskCommand): void {
    const decision = decide(this.#state, command)
    if (decision.type === 'refused') throw new Error(`${command.type}: ${decision.refusal.message}`)
    this.#state = fold(
      (task: TaskState, event: TaskEvent) => evolve(task, event, command.at, functionPlan),
      this.#state,
      decision.events,
    )
    this.events.push(...decision.events)
  }

  /** One thing happens: what the dice say among what can. */
  async move(draw: (below: number) => number, mayLose: boolean): Promise<void> {
    if (this.isOver) return
    this.#nowMs++
    const { steps } = this.task
    const status = steps[0]?.status
    if (status === 'enqueued') return this.#start()
    if (status === 'waiting_for_retry') return this.#retry()
    if (status === 'pending') return this.#wake()
    if (mayLose && draw(4) === 0) return this.#lose()
    await this.#work(draw)
  }

  signal(name: string, payload: unknown): void {
    this.give({ type: 'signal', at: at(this.#nowMs), name, payload: trustedJson(JSON.stringify(payload)) })
  }

  cancel(): void {
    this.give({ type: 'cancel', at: at(this.#nowMs) })
  }

  async #start(): Promise<void> {
    this.give({ type: 'start', at: at(this.#nowMs), step: RUN, attempt: this.#attempt, worker: WORKER })
    await this.#begin()
  }

  get #attempt(): number {
    return this.task.steps[0]?.attempts ?? 0
  }

  #by() {
    return { at: at(this.#nowMs), attempt: this.#attempt, worker: WORKER }
  }

  async #begin(): Promise<void> {
    this.lives++
    const journal = present(this.task.journal, 'a journal')
    const history = factsOf(journal).map(({ fact, at: when }) => entryOf(fact, when))
    this.#seen = history.length
    this.#steps = []
    this.#end = undefined
    this.#run = startFunction(
      this.#body,
      JSON.parse(journal.input) as never,
      { taskId: 'task', seed: 'task', startedAt: journal.beganAt, history },
      {
        issue: (commands) => this.#issue(commands),
        end: (end, commands) => {
          this.#issue(commands)
          this.#end = end
        },
        diverged: ({ message }) => {
          throw new Error(message)
        },
      },
      this.#process.baton,
    )
    await this.#process.rest()
  }

  #issue(commands: readonly Command[]): void {
    const proposals = commands.flatMap((command): JournalProposal[] => {
      const { key } = command
      switch (command.type) {
        case 'step':
          this.#steps.push(command)
          return []
        case 'timer':
          return [{ type: 'timer', kind: command.kind, key, dueAt: at(command.dueAt - at(0)) }]
        case 'patch':
          return [{ type: 'effect.recorded', kind: 'patch', key }]
        case 'state':
          return [{ type: 'effect.recorded', kind: 'state', key, value: trustedJson(command.value) }]
        case 'cancel':
          this.#steps = this.#steps.filter((step) => step.key !== key)
          return [{ type: 'cancel', key }]
        case 'send':
        case 'call':
        case 'child':
        case 'answer':
          throw new Error(`${command.type} is not of this test`)
      }
    })
    if (proposals.length > 0) this.give({ type: 'record', ...this.#by(), proposals })
  }

  /** The run has what the journal has. */
  async #tell(): Promise<void> {
    const facts = factsOf(present(this.task.journal, 'a journal'), this.#seen)
    this.#seen += facts.length
    this.#run?.deliver(facts.map(({ fact, at: when }) => entryOf(fact, when)))
    await this.#process.rest()
  }

  async #work(draw: (below: number) => number): Promise<void> {
    await this.#tell()
    if (this.#end !== undefined) return this.#finish(this.#end)
    const [step] = this.#steps.splice(draw(this.#steps.length), 1)
    if (step !== undefined) return this.#runStep(step)
    if (this.#seen < present(this.task.journal, 'a journal').length) return
    this.give({ type: 'suspend', ...this.#by(), seen: this.#seen })
    this.#run?.stop()
  }

  async #runStep(step: RunStep): Promise<void> {
    const scope = { signal: new AbortController().signal, attempt: 1 }
    const outcome = await Promise.resolve()
      .then(() => step.invoke(scope))
      .then(
        (value) => ({ type: 'succeeded' as const, result: trustedJson(JSON.stringify(value ?? null)) }),
        (error: unknown) => ({
          type: 'failed' as const,
          failure: { message: (error as Error).message, errorType: 'PermanentError', retryable: false },
        }),
      )
    const proposals: JournalProposal[] = [{ type: 'effect.recorded', kind: 'step', key: step.key, outcome }]
    this.give({ type: 'record', ...this.#by(), proposals })
  }

  async #finish(end: FunctionEnd): Promise<void> {
    const by = this.#by()
    switch (end.type) {
      case 'returned':
        return this.give({ type: 'complete', ...by, step: RUN, output: trustedJson(end.result) })
      case 'failed':
        return this.give({
          type: 'fail',
          ...by,
          step: RUN,
          failure: { ...failure(end.failure.message), retryable: false },
          draw: 0.5,
        })
      case 'cancelled':
        return this.give({ type: 'stopped', ...by, step: RUN })
      case 'continued':
        this.give({ type: 'continue', ...by, input: trustedJson(end.input), seen: this.#seen, unread: end.unread })
        if (!this.isOver) await this.#begin()
    }
  }

  #retry(): void {
    const step = this.task.steps[0]
    if (step?.status !== 'waiting_for_retry') return
    this.#nowMs = Math.max(this.#nowMs, step.dueAt - at(0))
    this.give({ type: 'retry_due', at: at(this.#nowMs), step: RUN, attempt: this.#attempt })
  }

  /** Nothing but time can help: the clock is turned to the next timer. */
  #wake(): void {
    const journal = present(this.task.journal, 'a journal')
    const dueAt = present(nextDueAt(journal), 'a timer of a function that waits')
    this.#nowMs = Math.max(this.#nowMs, dueAt - at(0))
    const due = [...openTimersOf(journal.timers)].find(([, timer]) => timer.dueAt === dueAt)
    this.give({ type: 'timer_due', at: at(this.#nowMs), key: present(due?.[0], 'its key') })
  }

  #lose(): void {
    this.#run?.stop()
    const gone = failure('gone', { code: 'WORKER_LOST' })
    this.give({ type: 'fail', ...this.#by(), step: RUN, failure: gone, draw: 0.5 })
  }

  get days(): number {
    return Math.floor(this.#nowMs / DAY_MS)
  }
}

/** The same dice again. */
const diceOf = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const live = async (
  body: Body,
  seed: number,
  mayLose: boolean,
  events: (stage: Stage, move: number) => void = () => undefined,
) => {
  const stage = new Stage(body)
  const draw = diceOf(seed)
  for (let move = 0; move < MOVES_MAX && !stage.isOver; move++) {
    events(stage, move)
    await stage.move(draw, mayLose)
  }
  const steps = stage.events.flatMap((event) => (event.type === 'effect.recorded' && event.kind === 'step' ? [event.key] : []))
  return { stage, steps, ends: stage.events.filter(({ type }) => TERMINAL_EVENTS.has(type)) }
}

const outputOf = (stage: Stage): unknown => {
  const step = stage.task.steps[0]
  return step?.status === 'complete' ? JSON.parse(step.output) : stage.task.phase
}

const forEverySeed = (check: (seed: number, mayLose: boolean) => Promise<void>) =>
  fc.assert(fc.asyncProperty(fc.integer(), fc.boolean(), check), { numRuns: 40 })

/** A year of monthly charges, unless the customer leaves. */
const subscription = async (ctx: FunctionContext): Promise<string> => {
  ctx.setState('phase', 'trial')
  await ctx.sleep('14d', { name: 'trial' })
  for (let month = 1; month <= 12; month++) {
    await ctx.step('charge', () => month, { key: `month ${month}` })
    ctx.setState('phase', `month ${month}`)
    const left = await ctx.waitForSignal('cancel', { timeout: '30d' })
    if (left !== undefined) return `left in month ${month}`
  }
  return 'a year'
}

test('a year-long subscription charges each month once, whatever is lost', () =>
  forEverySeed(async (seed, mayLose) => {
    const { stage, steps, ends } = await live(subscription, seed, mayLose)
    expect(outputOf(stage)).toBe('a year')
    expect(steps).toEqual(Array.from({ length: 12 }, (_, month) => `charge@month ${month + 1}`))
    expect(stage.days).toBeGreaterThanOrEqual(14 + 12 * 30)
    expect(stage.task.journal?.state.get('phase')).toBe('"month 12"')
    expect(stage.lives).toBeGreaterThan(12)
    expect(ends).toHaveLength(1)
  }))

test('a signal ends the subscription in the month in which it comes', () =>
  forEverySeed(async (seed, mayLose) => {
    const { stage } = await live(subscription, seed, mayLose, (on, move) => move === 25 && on.signal('cancel', {}))
    expect(outputOf(stage)).toMatch(/^left in month \d+$/)
  }))

const booking = async (ctx: FunctionContext): Promise<void> => {
  await ctx.step('flight', () => 1)
  ctx.compensate('flight', () => 1)
  await ctx.step('hotel', () => 1)
  ctx.compensate('hotel', () => 1)
  await ctx.sleep('1d')
  await ctx.step('car', () => {
    throw new Error('no cars')
  })
}

test('a booking that fails is taken back, the last first, once each', () =>
  forEverySeed(async (seed, mayLose) => {
    const { stage, steps } = await live(booking, seed, mayLose)
    expect(stage.task.failed).toMatchObject({ message: 'no cars' })
    expect(steps).toEqual(['flight', 'hotel', 'car', '#back/hotel', '#back/flight'])
  }))

test('a booking that is cancelled is taken back as far as it came', () =>
  forEverySeed(async (seed, mayLose) => {
    const { stage, steps } = await live(booking, seed, mayLose, (on, move) => move === 12 && on.cancel())
    const back = steps.filter((key) => key.startsWith('#back/'))
    expect(['cancelled', 'failed']).toContain(outputOf(stage))
    expect(back).toEqual(['hotel', 'flight'].filter((name) => steps.includes(name)).map((name) => `#back/${name}`))
  }))

test('a fan-out over many items runs each once, and gives their results in order', () =>
  forEverySeed(async (seed, mayLose) => {
    const items = Array.from({ length: 30 }, (_, item) => item)
    const body = async (ctx: FunctionContext) =>
      ctx.all(
        items.map((item) => (branch: FunctionContext) => branch.step('double', () => item * 2)),
        { limit: 7 },
      )
    const { stage, steps } = await live(body, seed, mayLose)
    expect(outputOf(stage)).toEqual(items.map((item) => item * 2))
    expect(steps.toSorted()).toEqual(items.map((item) => `all/${item}/double`).toSorted())
  }))

test('an endless loop continues as new and loses no signal', () =>
  forEverySeed(async (seed, mayLose) => {
    const body = async (ctx: FunctionContext, { page, got }: { readonly page?: number; readonly got?: readonly number[] }) => {
      const note = await ctx.waitForSignal<number>('note', { timeout: '1h' })
      const notes = [...(got ?? []), ...(note === undefined ? [] : [note])]
      await ctx.step('page', () => page ?? 0)
      return notes.length === 5 ? notes : ctx.continueAs({ page: (page ?? 0) + 1, got: notes })
    }
    const { stage } = await live(body, seed, mayLose, (on, move) => move < 5 && on.signal('note', move))
    expect(outputOf(stage)).toEqual([0, 1, 2, 3, 4])
  }))
