/** Builds the rows of one projection anew: stream by stream, then what was committed meanwhile, then the swap. */
import { type DurationMs, durationMs, type Partition, type Plan, type TemplateHash } from '@tasker/core'
import { type Clock, waitOn } from '../../engine/clock.js'
import type { EventLog, StoredCommit, StreamRef } from '../../log/port.js'
import { type FoldedStream, foldStreams, StreamFold } from '../fold/stream-fold.js'
import { projectionOf } from '../fold/projections.js'
import type { Projector } from '../projector.js'
import type { Rebuild, RebuildStore, RebuildWrite, Swapped } from './port.js'

/** What one turn writes at most: streams, and steps of all of them, after which a row may be large. */
const TURN_STREAMS_MAX = 200
const TURN_STEPS_MAX = 10_000
/** Commits that one turn of catching up covers at most. */
const TURN_COMMITS_MAX = 5_000
/** With no more commits than this to catch up, the writer may be held for the rest. */
const HOLD_COMMITS_MAX = 1_000
/** Rounds of catching up before the writer is held all the same: under more load than that it never gets nearer. */
const ROUNDS_MAX = 20
/** Between two tries to swap when readers do not let go of the table. */
const SWAP_AGAIN_MS = durationMs(1_000)

export interface BuilderParts {
  readonly log: EventLog
  readonly store: RebuildStore
  readonly projector: Projector
  readonly clock: Clock
  readonly plans: (hash: TemplateHash) => Plan | undefined
  /** How far the live rows are. */
  readonly checkpoints: () => Promise<ReadonlyMap<Partition, number>>
  readonly isStopped: () => boolean
}

export interface Built {
  readonly streams: number
  /** Streams that can be read only up to a place. */
  readonly unreadable: number
}

/** While tasks run, a rebuild rests for as long as it worked. */
export type Pace = 'beside_work' | 'at_once'

/** One run of a rebuild, from wherever it stands to the swap. Undefined when it was stopped, or somebody else took it on. */
export const build = async (from: Rebuild, parts: BuilderParts, pace: Pace): Promise<Built | undefined> => {
  const builder = new Builder(from, parts, pace)
  return (await builder.run()) ? builder.built : undefined
}

class Builder {
  #rebuild: Rebuild
  readonly #parts: BuilderParts
  readonly #pace: Pace
  readonly #unreadable = new Set<string>()
  #turnStartedMs: number

  constructor(rebuild: Rebuild, parts: BuilderParts, pace: Pace) {
    this.#rebuild = rebuild
    this.#parts = parts
    this.#pace = pace
    this.#turnStartedMs = parts.clock.monotonicMs()
  }

  get built(): Built {
    return { streams: this.#rebuild.streams, unreadable: this.#unreadable.size }
  }

  async run(): Promise<boolean> {
    if (this.#rebuild.phase === 'folding' && !(await this.#foldAll())) return false
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const behind = await this.#catchUp()
      if (behind === undefined) return false
      if (behind <= HOLD_COMMITS_MAX) break
    }
    await this.#parts.store.analyse(this.#rebuild)
    for (;;) {
      const swapped = await this.#parts.projector.whileStill(() => this.#finish())
      if (swapped === 'swapped') return true
      if (swapped === 'stopped' || swapped === 'changed' || this.#parts.isStopped()) return false
      await waitOn(this.#parts.clock, SWAP_AGAIN_MS)
      if ((await this.#catchUp()) === undefined) return false
    }
  }

  /** The live rows stand still: the new ones come up to them, and take their place. */
  async #finish(): Promise<Swapped | 'stopped'> {
    if ((await this.#catchUp('at_once')) === undefined) return 'stopped'
    return this.#parts.store.swap(this.#rebuild)
  }

  async #foldAll(): Promise<boolean> {
    const { log, plans } = this.#parts
    const { name, cursor, targets } = this.#rebuild
    const { streams } = projectionOf(name)
    const scope = { plans, upTo: targets, counts: () => true }
    let turn = new Turn()
    for await (const fold of foldStreams(log.readKind(streams, { after: cursor }), scope)) {
      turn.add(fold)
      if (!turn.full) continue
      if (!(await this.#write({ phase: 'folding', cursor: fold.stream.id, targets }, turn))) return false
      turn = new Turn()
    }
    return this.#write({ phase: 'catching_up', cursor: '', targets }, turn)
  }

  /** Up to the live rows as they are now. Answers how many commits that were, or nothing when it cannot go on. */
  async #catchUp(pace = this.#pace): Promise<number | undefined> {
    let commits = 0
    for (const [partition, checkpoint] of await this.#parts.checkpoints()) {
      for (;;) {
        const from = this.#rebuild.targets.get(partition) ?? 0
        if (from >= checkpoint) break
        const stretch = await this.#stretch(partition, from, checkpoint)
        const targets = new Map(this.#rebuild.targets).set(partition, stretch.seq)
        const turn = await this.#foldStretch(partition, from, stretch)
        if (!(await this.#write({ phase: 'catching_up', cursor: '', targets }, turn, pace))) return undefined
        commits += stretch.seq - from
      }
    }
    return commits
  }

  /** The streams of the next commits, and where those end. */
  async #stretch(partition: Partition, from: number, checkpoint: number): Promise<Stretch> {
    const kind = projectionOf(this.#rebuild.name).streams
    const ids = new Set<string>()
    let seq = from
    for await (const page of this.#parts.log.readPartition(partition, from)) {
      for (const commit of page) {
        if (commit.seq > checkpoint) return { ids, seq: checkpoint }
        seq = commit.seq
        if (commit.stream.kind === kind) ids.add(commit.stream.id)
        if (seq - from >= TURN_COMMITS_MAX || ids.size >= TURN_STREAMS_MAX) return { ids, seq }
      }
    }
    return { ids, seq: Math.max(seq, checkpoint) }
  }

  async #foldStretch(partition: Partition, from: number, { ids, seq }: Stretch): Promise<Turn> {
    const { log, plans } = this.#parts
    const { streams: kind } = projectionOf(this.#rebuild.name)
    const scope = { plans, upTo: new Map([[partition, seq]]), counts: (commit: StoredCommit) => commit.seq > from }
    const turn = new Turn()
    for (const id of ids) turn.add(await foldStream(log, { kind, id }, scope))
    return turn
  }

  /** False when it was stopped, or another took this turn. */
  async #write(next: RebuildWrite['next'], turn: Turn, pace = this.#pace): Promise<boolean> {
    const { store, clock, isStopped } = this.#parts
    if (isStopped()) return false
    const all = next.phase === 'catching_up' && this.#rebuild.phase === 'catching_up' ? turn.ids : []
    for (const id of turn.unreadable) this.#unreadable.add(id)
    const replaced = { all, emptied: all.length === 0 ? [] : turn.emptied }
    if ((await store.write(this.#rebuild, { next, folded: turn.folded, replaced })) === 'overtaken') return false
    const { turn: before, streams } = this.#rebuild
    this.#rebuild = { ...this.#rebuild, ...next, turn: before + 1, streams: streams + turn.folded.length }
    if (pace === 'beside_work') await waitOn(clock, restAfter(clock.monotonicMs() - this.#turnStartedMs))
    this.#turnStartedMs = clock.monotonicMs()
    return true
  }
}

const restAfter = (workedMs: number): DurationMs => durationMs(Math.max(1, Math.round(workedMs)))

interface Stretch {
  readonly ids: ReadonlySet<string>
  readonly seq: number
}

const foldStream = async (
  log: EventLog,
  stream: StreamRef,
  scope: ConstructorParameters<typeof StreamFold>[1],
): Promise<StreamFold> => {
  const fold = new StreamFold(stream, scope)
  for await (const page of log.readStream(stream, 1)) for (const commit of page) fold.add(commit)
  return fold
}

/** Streams folded for one write. */
class Turn {
  readonly ids: string[] = []
  readonly folded: FoldedStream[] = []
  readonly emptied: string[] = []
  readonly unreadable: string[] = []
  #steps = 0

  get full(): boolean {
    return this.ids.length >= TURN_STREAMS_MAX || this.#steps >= TURN_STEPS_MAX
  }

  add(fold: StreamFold): void {
    const result = fold.result()
    this.ids.push(fold.stream.id)
    this.folded.push(result)
    if (result.type === 'nothing') this.emptied.push(fold.stream.id)
    if (result.type === 'unreadable') this.unreadable.push(fold.stream.id)
    if (result.type === 'task') this.#steps += result.state.steps.length
  }
}
