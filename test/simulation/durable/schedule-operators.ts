/** Those who have schedules: they create, edit, pause, resume, trigger, backfill and delete them, and ask again until they are heard. */
import {
  durationMs,
  type Instant,
  instant,
  jsonOf,
  type JsonText,
  OVERLAPS,
  type ScheduleDefinition,
  type ScheduleSpec,
} from '@tasker/core'
import type { ScheduleOrder } from '@tasker/server/internal/engine/api'
import type { VirtualClock } from '../../support/virtual-clock.js'
import type { Clients } from '../clients.js'
import type { Dice } from '../dice.js'
import type { Witness } from '../witness.js'
import { NAMESPACE } from '../workload.js'

export interface ScheduleOperatorsParts {
  readonly clock: VirtualClock
  readonly dice: Dice
  readonly clients: Clients
  readonly witness: Witness
  /** Templates that firings start. */
  readonly templates: readonly string[]
}

const NAMES = ['daily', 'hourly', 'often'] as const
const PATIENCE_MS = durationMs(3_000)
const TRIES_MAX = 40

export class ScheduleOperators {
  readonly #parts: ScheduleOperatorsParts

  constructor(parts: ScheduleOperatorsParts) {
    this.#parts = parts
  }

  /** All that there are to be. */
  create(): void {
    for (const name of NAMES) this.#order(name, { type: 'create', definition: this.#definition(), pausedNote: undefined })
  }

  /** Something that somebody wants of one of them. */
  act(): void {
    const { dice } = this.#parts
    this.#order(dice.pick(NAMES), this.#drawOrder())
  }

  /** No more times come. */
  pause(): void {
    for (const { name, state } of this.#there()) {
      if (state.live?.paused !== undefined) continue
      this.#parts.clients.orderSchedule(name, { type: 'pause', note: 'enough' }, () => undefined)
    }
  }

  /** Every time that came is decided, and nobody waits for a task. */
  get areAtRest(): boolean {
    return this.#there().every(
      ({ state: { live } }) => live === undefined || (live.paused !== undefined && live.firings.length === 0),
    )
  }

  #there() {
    return [...this.#parts.witness.schedules].map(([id, seen]) => ({ name: id.slice(NAMESPACE.length + 1), ...seen }))
  }

  #order(name: string, order: ScheduleOrder): void {
    const { clients, clock } = this.#parts
    let isDone = false
    const ask = (left: number): void => {
      if (isDone || left === 0) return
      clients.orderSchedule(name, order, () => {
        isDone = true
      })
      clock.after(PATIENCE_MS, () => ask(left - 1))
    }
    ask(TRIES_MAX)
  }

  #drawOrder(): ScheduleOrder {
    const { dice, clock } = this.#parts
    const kind = dice.between(0, 11)
    if (kind < 2) return { type: 'pause', note: `note ${dice.between(1, 3)}` }
    if (kind < 5) return { type: 'resume', note: 'go on' }
    if (kind < 7) return { type: 'trigger' }
    if (kind < 9) return this.#drawBackfill(clock.now())
    if (kind < 10) return { type: 'delete' }
    const definition = this.#definition()
    return kind < 11 ? { type: 'edit', definition } : { type: 'create', definition, pausedNote: undefined }
  }

  #drawBackfill(now: Instant): ScheduleOrder {
    const { dice } = this.#parts
    const untilAt = instant(now - dice.between(0, 30_000))
    return { type: 'backfill', fromAt: instant(untilAt - dice.between(0, 15_000)), untilAt }
  }

  #definition(): ScheduleDefinition {
    const { dice, templates } = this.#parts
    return {
      spec: drawSpec(dice),
      task: { name: dice.pick(templates), context: drawContext(dice), tags: [] },
      overlap: dice.pick(OVERLAPS),
      catchUpMs: durationMs(dice.pick([0, 2_000, 10_000, 3_600_000])),
    }
  }
}

const drawContext = (dice: Dice): JsonText => jsonOf({ tenant: dice.between(0, 2) })

/** Times that another code can tell too: every so many seconds, by one of the three ways to say so. */
const drawSpec = (dice: Dice): ScheduleSpec => {
  const seconds = dice.pick([2, 3, 5, 6, 10])
  const plain = { cron: [], intervals: [], calendars: [], timeZone: 'Europe/Berlin' }
  const jitterMs = durationMs(dice.chance(0.4) ? dice.between(1, 3_000) : 0)
  switch (dice.between(0, 2)) {
    case 0:
      return { ...plain, cron: [`*/${seconds} * * * * *`], jitterMs }
    case 1: {
      const everyMs = durationMs(seconds * 1_000)
      return { ...plain, intervals: [{ everyMs, phaseMs: durationMs(dice.between(0, 1_999)) }], jitterMs }
    }
    default: {
      const list = Array.from({ length: 60 / seconds }, (_, n) => n * seconds)
      return { ...plain, calendars: [{ hours: range(24), minutes: range(60), seconds: list }], jitterMs }
    }
  }
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n)
