/**
 * Places of keys and the steps that wait for them.
 *
 * P1  A place is given by a durable event of the key before its step is admitted, and the step starts only when it is admitted: so the log of
 *     a key never tells of fewer holders than there are.
 * P2  What tells a step of its place is sent until the task answers; what gives a place back follows from the durable state of its task.
 * P3  After a start, and every minute, each holder is asked whether it still holds; whatever was lost on the way is found then.
 */
import {
  BugError,
  type DurationMs,
  durationMs,
  type Holding,
  holdingOf,
  type Instant,
  type KeyCommand,
  type KeyEvent,
  keyOfQueue,
  type KeyRow,
  type KeyReleaseReason,
  later,
  LIMITS,
  type LiveTask,
  type Namespace,
  placeId,
  present,
  type QueueName,
  type ReadyRow,
  readyRows,
  type StepId,
  type TaskCommand,
  type TaskId,
  unreachable,
} from '@tasker/core'
import type { KeyQueues } from '../../dispatch/key-queues.js'
import type { QueueWindow } from '../../dispatch/queue-window.js'
import type { TimerWheel } from '../../timers/timer-wheel.js'
import { CorruptEventError, UnknownEventError } from '../../log/codec/errors.js'
import type { KeyInfo, KeyLine } from '../api.js'
import type { Clock } from '../clock.js'
import type { StreamLoader } from '../stream-loader.js'
import type { TaskRuntime } from '../task-runtime.js'
import { durableTask } from '../task-stream.js'
import type { KeyStream, KeyStreams } from './key-streams.js'
import { keyHolders, keyInfos } from './key-infos.js'
import { type Held, Places } from './places.js'

export interface KeysParts {
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly streams: KeyStreams
  readonly loader: StreamLoader
  readonly runtime: () => TaskRuntime
  readonly queues: (serve: (queue: QueueWindow) => void) => KeyQueues
  readonly granted: (count: number) => void
}

/** Places given by one commit. */
const GRANTS_MAX = 500
/** Between two looks at a log that cannot be read. */
const RETRY_MS = durationMs(1_000)

export class Keys {
  readonly #parts: KeysParts
  readonly #queues: KeyQueues
  readonly #places: Places
  /** Places to be given back at the end of this turn, by key. */
  readonly #returning = new Map<KeyStream, { readonly held: Held; readonly reason: KeyReleaseReason }[]>()
  readonly #loading = new Set<string>()
  #stopChecks: () => void
  #stopped = false

  constructor(parts: KeysParts) {
    this.#parts = parts
    this.#queues = parts.queues((queue) => this.#serve(queue))
    this.#places = new Places(parts.wheel, (held) => this.#periodOver(held))
    this.#stopChecks = this.#checkLater()
  }

  /** A step is ready, durably so, and waits for a key. */
  add(row: ReadyRow): void {
    this.#queues.add(row)
  }

  /** So many rows wait for this key in the projection, and none in memory. */
  stored(namespace: Namespace, queue: QueueName, count: number): void {
    this.#queues.stored(namespace, queue, count)
  }

  /** The row of a key as of its last commit, to be projected; none when its stream cannot be folded, which stops nobody else. */
  async rows(namespace: Namespace, queue: QueueName): Promise<readonly KeyRow[]> {
    const stream = await this.#unlessBroken(() => this.#parts.streams.named.load(namespace, queue))
    return stream === undefined ? [] : [{ namespace, queue, streamVersion: stream.version, state: stream.state }]
  }

  /** Keys that had holders when the last server ended: they are read, and their holders asked. */
  async recover(keys: readonly { readonly namespace: Namespace; readonly queue: QueueName }[]): Promise<void> {
    for (const { namespace, queue } of keys) await this.#unlessBroken(() => this.#load(namespace, queue))
  }

  /** A task is durably so: places that its attempts do not need any more are given back. */
  sync(taskId: TaskId, task: LiveTask): void {
    for (const held of this.#places.ofTask(taskId)) this.#settle(held, holdingOf(task, held.place, held.key))
  }

  infos(): readonly KeyInfo[] {
    return keyInfos(this.#parts.streams.named.all(), this.#queues.all(), this.#places)
  }

  /** How the steps of a task stand that wait for keys. */
  lines(taskId: TaskId, task: LiveTask): ReadonlyMap<StepId, KeyLine> {
    return new Map(
      readyRows(taskId, task).flatMap((row): [StepId, KeyLine][] => {
        if (row.gate === undefined) return []
        const stream = this.#parts.streams.named.get(row.namespace, row.queue)
        const holders = stream === undefined ? [] : keyHolders(stream, this.#places, LIMITS.explainHoldersMax)
        const ahead = this.#queues.find(row.namespace, row.queue)?.rows.ahead(row)
        return [[row.step, { held: stream?.state.places.size ?? 0, ahead, holders }]]
      }),
    )
  }

  stop(): void {
    this.#stopped = true
    this.#stopChecks()
    this.#queues.stop()
  }

  /** Gives places as long as there are any, to who has the next turn. */
  #serve(queue: QueueWindow): void {
    const stream = this.#parts.streams.named.get(queue.namespace, queue.queue)
    if (stream === undefined) return this.#loadLater(queue.namespace, queue.queue)
    const rows: ReadyRow[] = []
    for (let row = queue.rows.peek(); row !== undefined && rows.length < GRANTS_MAX; row = queue.rows.peek()) {
      if (stream.state.places.size + rows.length >= limitOf(row) && !stream.state.places.has(placeId(row))) break
      queue.rows.take()
      rows.push(row)
    }
    if (rows.length === 0) return
    const events = this.#parts.streams.apply(
      stream,
      'grant_key',
      rows.map((row) => (at) => grantOf(row, at)),
      (granted, durable) => (durable ? this.#tellAll(stream, granted) : this.#lost(stream, rows)),
    )
    for (const event of events) this.#index(stream, placeId(event))
    const given = new Set(events.map(placeId))
    for (const row of rows) {
      if (given.has(placeId(row))) continue
      // It has its place already, and has not heard of it; or the place went to another of this batch.
      const held = stream.state.places.has(placeId(row)) ? this.#index(stream, placeId(row)) : undefined
      if (held === undefined) queue.rows.add(row)
      else if (stream.pending === 0) this.#tell(held)
    }
    this.#queues.poke(queue.namespace, queue.queue)
  }

  #tellAll(stream: KeyStream, granted: readonly KeyEvent[]): void {
    this.#parts.granted(granted.length)
    for (const event of granted) {
      const held = this.#index(stream, placeId(event))
      if (held !== undefined) this.#tell(held)
    }
  }

  /** P2: the step hears of its place; where it does not take it, its state tells what becomes of the place. */
  #tell(held: Held): void {
    const { loader } = this.#parts
    loader.find(held.place.taskId, (found) => {
      if (!this.#places.has(held)) return
      if (found.type === 'none' || found.type === 'archived') return this.#giveBack(held, 'not_held')
      if (found.type === 'failed') {
        if (found.fault.detail.retryable === true) this.#later(() => this.#tell(held))
        else this.#giveBack(held, 'not_held')
        return
      }
      const runtime = this.#parts.runtime()
      const { step, attempt } = held.place
      const command: TaskCommand = { type: 'admit', at: runtime.now(found.stream), step, attempt, ...held.key }
      runtime.apply(found.stream, command, { cause: { actor: 'engine', command: 'admit' } }, (applied) => {
        if (applied.type === 'lost' && applied.settled.reason === 'predecessor_lost') this.#tell(held)
        else if (applied.type === 'refused' || applied.type === 'quarantined') this.#ask(held, false)
      })
    })
  }

  /** P3. `again` tells a step that has not heard of its place. */
  #ask(held: Held, again: boolean): void {
    this.#parts.loader.find(held.place.taskId, (found) => {
      if (!this.#places.has(held)) return
      const task = found.type === 'stream' ? durableTask(found.stream) : undefined
      if (found.type === 'failed' && found.fault.detail.retryable === true) this.#later(() => this.#ask(held, again))
      else if (task === undefined) this.#giveBack(held, 'not_held')
      else {
        const holding = holdingOf(task, held.place, held.key)
        if (holding.type === 'unaware' && again) this.#tell(held)
        else this.#settle(held, holding)
      }
    })
  }

  #settle(held: Held, holding: Holding): void {
    const { perMs } = held.place
    switch (holding.type) {
      case 'unaware':
      case 'waiting':
        return
      case 'running':
        if (perMs !== undefined) this.#places.freeAt(held, later(holding.since, perMs))
        return
      case 'over':
        if (!holding.started) return this.#giveBack(held, 'never_started')
        if (perMs === undefined) return this.#giveBack(held, 'attempt_ended')
        // When it started is not known any more: not before its end less nothing, so the place is kept a little too long rather than too short.
        return this.#places.freeAt(held, later(holding.by, perMs))
      default:
        return unreachable(holding)
    }
  }

  #periodOver(held: Held): void {
    const dueAt = held.timer?.dueAt
    if (dueAt !== undefined && this.#parts.clock.now() < dueAt) this.#places.timeAgain(held, dueAt)
    else this.#giveBack(held, 'period_over')
  }

  #giveBack(held: Held, reason: KeyReleaseReason): void {
    const stream = this.#parts.streams.named.get(held.namespace, held.queue)
    // A key that is being read anew asks its holders when it is there.
    if (stream === undefined || !this.#places.has(held)) return
    this.#places.remove(held)
    const returning = this.#returning.get(stream)
    if (returning !== undefined) {
      returning.push({ held, reason })
      return
    }
    this.#returning.set(stream, [{ held, reason }])
    queueMicrotask(() => this.#return(stream))
  }

  #return(stream: KeyStream): void {
    const returning = this.#returning.get(stream) ?? []
    this.#returning.delete(stream)
    // Read anew meanwhile: the holders are asked again, and those that hold no more come here again.
    if (stream.dropped || this.#stopped) return
    this.#parts.streams.apply(
      stream,
      'give_back_key',
      returning.map(
        ({ held, reason }) =>
          (at): KeyCommand => ({ type: 'give_back', at, attempt: held.place, reason }),
      ),
      (_events, durable) => (durable ? this.#queues.poke(stream.namespace, stream.name) : this.#lost(stream, [])),
    )
    this.#queues.poke(stream.namespace, stream.name)
  }

  /** The key is read anew, its holders are asked, and who waited goes on waiting. */
  #lost(stream: KeyStream, rows: readonly ReadyRow[]): void {
    for (const held of this.#places.all()) {
      if (held.namespace === stream.namespace && held.queue === stream.name) this.#places.remove(held)
    }
    for (const row of rows) this.#queues.add(row)
    this.#loadLater(stream.namespace, stream.name)
  }

  #loadLater(namespace: Namespace, queue: QueueName): void {
    const name = `${namespace}\n${queue}`
    if (this.#loading.has(name) || this.#stopped) return
    this.#loading.add(name)
    const done = (): void => {
      this.#loading.delete(name)
    }
    this.#load(namespace, queue).then(
      () => {
        done()
        this.#queues.poke(namespace, queue)
      },
      () =>
        this.#later(() => {
          done()
          this.#loadLater(namespace, queue)
        }),
    )
  }

  async #load(namespace: Namespace, queue: QueueName): Promise<void> {
    const stream = await this.#parts.streams.named.load(namespace, queue)
    for (const id of stream.state.places.keys()) {
      const held = this.#index(stream, id)
      if (held !== undefined) this.#ask(held, true)
    }
  }

  /** The place of the key's state as it is kept in memory. */
  #index(stream: KeyStream, id: string): Held | undefined {
    const place = stream.state.places.get(id)
    if (place === undefined) return undefined
    const { namespace, name: queue } = stream
    const known = this.#places.find({ namespace, queue, place })
    if (known !== undefined) return known
    const key = present(keyOfQueue(queue), `the key of the queue ${queue}`)
    const held: Held = { namespace, queue, key, place, timer: undefined }
    this.#places.add(held)
    return held
  }

  /** A stream that no code of ours can read keeps its steps waiting; the log is read again for it as long as somebody asks. */
  async #unlessBroken<Found>(read: () => Promise<Found>): Promise<Found | undefined> {
    try {
      return await read()
    } catch (error) {
      if (error instanceof CorruptEventError || error instanceof UnknownEventError || error instanceof BugError) return undefined
      throw error
    }
  }

  #checkLater(): () => void {
    return this.#parts.clock.after(LIMITS.keyCheckMs, () => this.#check(), 'upkeep')
  }

  #check(): void {
    for (const held of this.#places.all()) this.#ask(held, true)
    for (const stream of this.#parts.streams.named.all()) {
      if (this.#queues.find(stream.namespace, stream.name) === undefined) this.#parts.streams.forget(stream)
    }
    this.#stopChecks = this.#checkLater()
  }

  #later(call: () => void): void {
    this.#parts.clock.after(RETRY_MS, () => (this.#stopped ? undefined : call()))
  }
}

const limitOf = (row: ReadyRow): number => row.gate?.limit ?? 0

const grantOf = (row: ReadyRow, at: Instant): KeyCommand => {
  const perMs: DurationMs | undefined = row.gate?.perMs
  return { type: 'grant', at, attempt: row, limit: limitOf(row), perMs }
}
