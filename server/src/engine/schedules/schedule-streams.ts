/** Streams of schedules, and what a command about one of them makes happen. */
import {
  type decideSchedule,
  evolveSchedule,
  type Instant,
  NO_SCHEDULE,
  type ScheduleCommand,
  type ScheduleEvent,
  type ScheduleRefusal,
  type ScheduleState,
} from '@tasker/core'
import { decodeScheduleEvents, encodeScheduleEvents, scheduleStreamRef } from '../../log/schedule-codec.js'
import type { Settled } from '../group-commit.js'
import {
  type CommitCause,
  type NamedStream,
  NamedStreams,
  type NamedStreamKind,
  type NamedStreamParts,
} from '../named-streams.js'

/** Its durable state is what is shown, and what tasks are started by. */
export type ScheduleStream = NamedStream<string, ScheduleState>

/** The events of one commit of a schedule, once they are durable; or why they are not. */
export interface ScheduleCommit {
  readonly events: readonly ScheduleEvent[]
  readonly at: Instant
  readonly settled: Settled
}

export type ScheduleDecision =
  | { readonly type: 'refused'; readonly refusal: ScheduleRefusal }
  | { readonly type: 'unchanged' }
  | { readonly type: 'appended' }

export interface ScheduleStreamParts extends NamedStreamParts<string, ScheduleState> {
  /** The rules of schedules: those of the core, unless the engine is built with others. */
  readonly decide: typeof decideSchedule
}

const SCHEDULES: NamedStreamKind<string, ScheduleState, ScheduleEvent> = {
  empty: NO_SCHEDULE,
  ref: scheduleStreamRef,
  evolve: evolveSchedule,
  encode: encodeScheduleEvents,
  decode: decodeScheduleEvents,
}

export class ScheduleStreams {
  readonly #streams: NamedStreams<string, ScheduleState, ScheduleEvent>

  readonly #decide: typeof decideSchedule

  constructor(parts: ScheduleStreamParts) {
    this.#decide = parts.decide
    this.#streams = new NamedStreams(SCHEDULES, parts)
  }

  get named(): Pick<NamedStreams<string, ScheduleState, ScheduleEvent>, 'all' | 'get' | 'load'> {
    return this.#streams
  }

  /** There is no such schedule: it is read again when it is asked for. */
  forget(stream: ScheduleStream): void {
    if (stream.state.live === undefined) this.#streams.forget(stream)
  }

  /** Decides a command and appends what it makes happen as one commit; `settled` hears of it when there is any. */
  apply(
    stream: ScheduleStream,
    by: CommitCause,
    command: (at: Instant) => ScheduleCommand,
    settled: (commit: ScheduleCommit) => void,
  ): ScheduleDecision {
    const at = this.#streams.now(stream)
    const decision = this.#decide(stream.state, command(at))
    if (decision.type === 'refused') return decision
    const { events } = decision
    if (events.length === 0) return { type: 'unchanged' }
    this.#streams.append(stream, by, events, at, (outcome) => settled({ events, at, settled: outcome }))
    return { type: 'appended' }
  }
}
