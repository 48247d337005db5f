/**
 * Archives tasks that have been over for longer than their namespace keeps them, a bounded number at a time, beside everything else.
 *
 * K1  An archive is written and durable, and known to the database, before any of its tasks is archived.
 * K2  `task.archived` is durable before anything of its task leaves the log.
 * K3  A crash between any two steps loses nothing: an archive without archived tasks is replaced by the next try, and what was archived and is
 *     not gone goes with the next pass.
 * K4  It waits while the server is not ready or has commits waiting, and never holds more than one archive in memory.
 */
import {
  type DurationMs,
  durationMs,
  type Instant,
  instant,
  type JsonText,
  namespaceOf,
  retentionAge,
  type TaskId,
} from '@tasker/core'
import type { ProofDocument } from '../audit/proof.js'
import { waitOn } from '../engine/clock.js'
import type { NamespaceRetention, PassReport, RetentionDoor, RetentionStatus } from './api.js'
import { archiveContent, archiveName, indexName, linesName } from './archive-file.js'
import { archivedTaskText } from './archived-text.js'
import { findArchived } from './find-archived.js'
import { type Gathered, gather } from './gather.js'
import { type ArchiverParts, type ArchiverSettings, NONE_HELD, sumOfHeld } from './parts.js'
import { removeArchived } from './remove.js'
import type { EndedTask } from './rows.js'

/** Orders to archive that are on their way at once: fewer than one append of the log takes. */
const ORDERS_AT_ONCE = 100
/** Commits that may wait for the log while tasks are archived. */
const WAITING_COMMITS_MAX = 200
/** Between two transactions that remove commits, and between two looks at a server that is busy. */
const BREATH_MS = durationMs(20)
const BUSY_MS = durationMs(250)
/** Tasks of a namespace that one pass leaves where they are, because they cannot be archived yet, before it goes on to the next. */
const HELD_TASKS_MAX = 2_000
/** Looks at readers that are behind before the rest is left to the next pass. */
const BEHIND_LOOKS_MAX = 20

export class Archiver implements RetentionDoor {
  readonly #parts: ArchiverParts
  readonly #settings: ArchiverSettings
  #stopped = false
  #callOff: (() => void) | undefined
  #running: Promise<void> | undefined
  #pass: PassReport | undefined
  #problem: string | undefined
  /** Since when something of a namespace is due, by namespace, until nothing is. */
  readonly #dueSince = new Map<string, Instant>()
  #wake: (() => void) | undefined

  constructor(parts: ArchiverParts, settings: ArchiverSettings) {
    this.#parts = parts
    this.#settings = settings
  }

  start(): void {
    this.#later(BUSY_MS)
  }

  /** Ends after the step that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#callOff?.()
    this.#wake?.()
    await this.#running
  }

  async status(): Promise<RetentionStatus> {
    const { rows, store } = this.#parts
    const { lastWrittenAt, pending, ...totals } = await rows.totals()
    return {
      place: store.place,
      namespaces: await this.#namespaces(),
      ...totals,
      pendingArchives: pending,
      lastWrittenAt,
      lastPass: this.#pass,
      running: this.#running !== undefined,
      problem: this.#problem,
    }
  }

  async run(waitMsMax: number): Promise<RetentionStatus> {
    this.#callOff?.()
    this.#begin()
    await Promise.race([this.#running, waitOn(this.#parts.clock, durationMs(waitMsMax))])
    return this.status()
  }

  async find(taskId: TaskId): Promise<JsonText | undefined> {
    const found = await findArchived(this.#parts.store, taskId)
    return found === undefined ? undefined : archivedTaskText(found)
  }

  /** The proof of a task that an archive holds. */
  async proof(taskId: TaskId): Promise<ProofDocument | undefined> {
    return (await findArchived(this.#parts.store, taskId))?.proof
  }

  health(): { readonly lagMs: number; readonly problem: string | undefined } {
    const now = this.#parts.clock.now()
    return { lagMs: Math.max(0, ...[...this.#dueSince.values()].map((since) => now - since)), problem: this.#problem }
  }

  async #namespaces(): Promise<readonly NamespaceRetention[]> {
    const { rows, clock } = this.#parts
    const now = clock.now()
    const found: NamespaceRetention[] = []
    for (const namespace of await rows.namespaces()) {
      const [oldest] = await rows.ended(namespace, now, undefined, 1)
      if (oldest === undefined) continue
      const ageMs = retentionAge(this.#settings.retention, namespaceOf(namespace))
      const due = ageMs !== undefined && oldest.endedAt < now - ageMs
      found.push({ namespace, ageMs, oldestEndedAt: oldest.endedAt, due })
    }
    return found
  }

  #later(delayMs: DurationMs): void {
    if (!this.#stopped) this.#callOff = this.#parts.clock.after(delayMs, () => this.#begin())
  }

  #begin(): void {
    if (this.#running !== undefined || this.#stopped) return
    this.#running = this.#passOnce().finally(() => {
      this.#running = undefined
      this.#later(this.#settings.intervalMs)
    })
  }

  /** Never rejects: what stopped it is told, and tried again by the next. */
  async #passOnce(): Promise<void> {
    const { clock, hooks } = this.#parts
    this.#pass = { startedAt: clock.now(), endedAt: undefined, tasks: 0, held: NONE_HELD }
    this.#dueSince.clear()
    try {
      for (const archive of await this.#parts.rows.pending()) await this.#remove(archive.name, archive.tasks)
      for (const { namespace, ageMs, oldestEndedAt, due } of await this.#namespaces()) {
        if (!due || ageMs === undefined) continue
        this.#dueSince.set(namespace, instant(oldestEndedAt + ageMs))
        await this.#archiveNamespace(namespace, ageMs)
      }
      this.#problem = undefined
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error)
      hooks.failed(this.#problem)
    }
    this.#pass = { ...this.#pass, endedAt: clock.now() }
  }

  async #archiveNamespace(namespace: string, ageMs: number): Promise<void> {
    const { log, rows, sealed, clock } = this.#parts
    const before = instant(clock.now() - ageMs)
    let after: EndedTask | undefined
    let heldHere = 0
    while (await this.#mayGoOn()) {
      const { published } = await rows.readers()
      const { batchTasksMax: tasksMax } = this.#settings
      const batch = await gather({ log, rows }, { namespace, before, after, tasksMax, sealed, published })
      this.#note(0, batch.held)
      heldHere += batch.held.unsealed + batch.held.unpublished + batch.held.refused
      if (batch.tasks.length > 0) await this.#archive(namespace, batch)
      if (batch.last === undefined || heldHere > HELD_TASKS_MAX) break
      if (!batch.isFull) after = batch.last
      await this.#rest(this.#settings.pauseMs)
    }
    if (!this.#stopped && heldHere === 0) this.#dueSince.delete(namespace)
  }

  async #archive(namespace: string, { tasks, templates }: Gathered): Promise<void> {
    const { store, rows, clock, hooks, engine } = this.#parts
    const name = archiveName(namespace, tasks)
    const { lines, index } = await archiveContent(name, templates, tasks)
    await store.put(linesName(name), lines)
    await store.put(indexName(name), index)
    const ends = tasks.map(({ endedAt }) => endedAt)
    await rows.record({
      name,
      namespace,
      tasks: tasks.map(({ taskId }) => taskId),
      bytes: lines.length,
      firstEndedAt: instant(Math.min(...ends)),
      lastEndedAt: instant(Math.max(...ends)),
      writtenAt: clock.now(),
    })
    let archived = 0
    for (let from = 0; from < tasks.length && (await this.#mayGoOn()); from += ORDERS_AT_ONCE) {
      const orders = tasks.slice(from, from + ORDERS_AT_ONCE)
      const answers = await Promise.all(
        orders.map(({ taskId, versions, commits, lastSeq, lastHash }) =>
          engine.archive({ taskId, archive: name, versions, commits, lastSeq, lastHash }),
        ),
      )
      archived += answers.filter(({ type }) => type === 'archived').length
      this.#note(0, { ...NONE_HELD, refused: answers.filter(({ type }) => type === 'refused').length })
    }
    this.#note(archived, NONE_HELD)
    hooks.archived(name, archived, lines.length)
    await this.#remove(
      name,
      tasks.map(({ taskId }) => taskId),
    )
  }

  async #remove(name: string, tasks: readonly TaskId[]): Promise<void> {
    const { log, rows, engine } = this.#parts
    const parts = {
      log,
      rows,
      planOf: (hash: Parameters<typeof engine.planOf>[0]) => engine.planOf(hash),
      goOn: async () => {
        await this.#rest(BREATH_MS)
        return this.#mayGoOn()
      },
    }
    for (let looks = 0; looks < BEHIND_LOOKS_MAX && (await this.#mayGoOn()); looks++) {
      if ((await removeArchived(tasks, parts)) === 'removed') return rows.finish(name)
      await this.#rest(BUSY_MS)
    }
  }

  #note(tasks: number, held: PassReport['held']): void {
    if (this.#pass !== undefined)
      this.#pass = { ...this.#pass, tasks: this.#pass.tasks + tasks, held: sumOfHeld(this.#pass.held, held) }
  }

  /** K4; false when it is time to stop. */
  async #mayGoOn(): Promise<boolean> {
    while (!this.#stopped) {
      const { ready, pendingCommits } = this.#parts.engine.health()
      if (ready && pendingCommits <= WAITING_COMMITS_MAX) return true
      await this.#rest(BUSY_MS)
    }
    return false
  }

  /** Ends early when it is time to stop. */
  #rest(delayMs: DurationMs): Promise<void> {
    return new Promise((resolve) => {
      const callOff = this.#parts.clock.after(delayMs, resolve)
      this.#wake = () => {
        callOff()
        resolve()
      }
    })
  }
}
