/**
 * The network between servers and those who speak with them.
 *
 * N1  Messages of one stream arrive in order. One that is lost takes the stream with it, and what is under way then is lost too, or arrives late: while the
 *     worker is on another stream already, and before the server learns that the old one is broken.
 * N2  Calls of clients stand alone: each may be lost, or its answer, or come twice, and they overtake each other.
 * N3  A process that is dead says nothing and hears nothing.
 */
import { durationMs } from '@tasker/core'
import type { WorkerSession } from '@tasker/server/internal/engine/api'
import type { Clock } from '@tasker/server/internal/engine/clock'
import type { Dice } from './dice.js'
import type { Server } from './servers.js'
import type { Weather } from './weather.js'

export interface NetworkParts {
  readonly clock: Clock
  readonly dice: Dice
  readonly weather: Weather
}

const LATENCY_MS = 2
/** How late messages of a broken stream may arrive. */
const LATE_MS_MAX = 5_000

/** How long a message is under way. */
const delayMs = ({ dice, weather }: NetworkParts): number => {
  const { networkMsMax } = weather.faults
  return networkMsMax <= LATENCY_MS ? LATENCY_MS : dice.between(LATENCY_MS, networkMsMax)
}

/** Rolls no dice for what cannot happen. */
const happens = ({ dice, weather }: NetworkParts, probability: number, what: string): boolean => {
  if (probability === 0 || !dice.chance(probability)) return false
  weather.note(what, 'network')
  return true
}

/** N2: calls of clients. */
export class Calls {
  readonly #parts: NetworkParts

  constructor(parts: NetworkParts) {
    this.#parts = parts
  }

  /** Asks a server; hears nothing when the call, the answer or the server is lost. */
  ask<Answer>(server: Server, ask: (answer: (given: Answer) => void) => void, hear: (given: Answer) => void): void {
    const { weather } = this.#parts
    this.#send(server, ask, hear)
    if (happens(this.#parts, weather.faults.requestTwice, 'request twice')) this.#send(server, ask, hear)
  }

  #send<Answer>(server: Server, ask: (answer: (given: Answer) => void) => void, hear: (given: Answer) => void): void {
    const { clock, weather } = this.#parts
    if (happens(this.#parts, weather.faults.requestLost, 'request lost')) return
    clock.after(durationMs(delayMs(this.#parts)), () => {
      if (!server.life.lives()) return
      ask((given) => {
        if (!server.life.lives() || happens(this.#parts, weather.faults.answerLost, 'answer lost')) return
        clock.after(durationMs(delayMs(this.#parts)), () => hear(given))
      })
    })
  }
}

/** What stands at the server's end of a stream. */
interface FarEnd {
  disconnected(): void
}

/** N1: one worker's stream. */
export class Link<Session extends FarEnd = WorkerSession> {
  readonly #parts: NetworkParts
  readonly server: Server
  /** A message was lost: the worker finds its stream broken. */
  readonly #broke: () => void
  #open = true
  #toServerAtMs = 0
  #toWorkerAtMs = 0
  /** Set when it broke and what was under way to the server arrives later than it would have. */
  #lateMs: number | undefined
  session: Session | undefined

  constructor(parts: NetworkParts, server: Server, broke: () => void) {
    this.#parts = parts
    this.server = server
    this.#broke = broke
  }

  get open(): boolean {
    return this.#open
  }

  toServer(message: (session: Session) => void): void {
    if (!this.#open) return
    if (this.#isLost()) return
    this.#toServerAtMs = this.#arrivesAtMs(this.#toServerAtMs)
    this.#at(this.#toServerAtMs, () => this.#atServer(message))
  }

  toWorker(message: () => void): void {
    if (this.#open && this.#isLost()) return
    this.#toWorkerAtMs = this.#arrivesAtMs(this.#toWorkerAtMs)
    this.#at(this.#toWorkerAtMs, () => {
      if (this.#open) message()
      else this.#parts.weather.note('message lost', 'network')
    })
  }

  /** The worker is gone from it; the server learns so a little later. */
  cut(): void {
    if (!this.#open) return
    this.#open = false
    const { clock, dice, weather } = this.#parts
    const { brokenStreamArrives, halfOpenMsMax } = weather.faults
    if (brokenStreamArrives > 0 && dice.chance(brokenStreamArrives)) this.#lateMs = dice.between(0, LATE_MS_MAX)
    const learnsMs = halfOpenMsMax <= LATENCY_MS ? LATENCY_MS : dice.between(LATENCY_MS, halfOpenMsMax)
    const lastMs = this.#lateMs === undefined ? 0 : this.#toServerAtMs + this.#lateMs - clock.monotonicMs()
    clock.after(durationMs(Math.max(learnsMs, lastMs)), () => this.session?.disconnected())
  }

  #atServer(message: (session: Session) => void): void {
    if (this.#open) return this.#hand(message)
    const { clock, weather } = this.#parts
    if (this.#lateMs === undefined) return weather.note('message lost', 'network')
    weather.note('message late', 'network')
    clock.after(durationMs(this.#lateMs), () => this.#hand(message))
  }

  #hand(message: (session: Session) => void): void {
    if (this.session !== undefined && this.server.life.lives()) message(this.session)
  }

  #isLost(): boolean {
    if (!happens(this.#parts, this.#parts.weather.faults.messageLost, 'message lost with its stream')) return false
    this.#broke()
    return true
  }

  /** Not before what was sent earlier. */
  #arrivesAtMs(afterMs: number): number {
    return Math.max(afterMs, this.#parts.clock.monotonicMs() + delayMs(this.#parts))
  }

  #at(atMs: number, call: () => void): void {
    const { clock } = this.#parts
    clock.after(durationMs(atMs - clock.monotonicMs()), call)
  }
}
