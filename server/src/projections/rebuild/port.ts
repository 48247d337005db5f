/**
 * Where the rows of a projection are built anew, beside those that are read.
 *
 * B1  What is written and how far it is become visible together, and only by the one who knows the last turn: a kill at any point goes on
 *     from the last turn, and nothing is written twice.
 * B2  The new rows take the place of the old ones only when both hold the log up to the same places, in one act: whoever reads finds the
 *     old rows or the new ones.
 * B3  After the swap, tables and indexes have the names they had, so that it can be done again and migrations find them.
 */
import type { Instant, Partition } from '@tasker/core'
import type { ProjectionName } from '../fold/names.js'
import type { FoldedStream } from '../fold/stream-fold.js'

/** `folding`: the streams up to `cursor` are in, as they were at the targets. `catching_up`: all are. */
export type RebuildPhase = 'waiting' | 'folding' | 'catching_up'

export interface Rebuild {
  readonly name: ProjectionName
  readonly version: number
  readonly phase: RebuildPhase
  readonly turn: number
  readonly cursor: string
  readonly targets: ReadonlyMap<Partition, number>
  /** Streams folded so far; one that is folded again counts again. */
  readonly streams: number
  readonly requestedAt: Instant
}

export interface BuiltProjection {
  readonly version: number
  readonly builtAt: Instant
}

/** Folded streams on their way into the new rows. */
export interface RebuildWrite {
  /** How far it is then. */
  readonly next: Pick<Rebuild, 'phase' | 'cursor' | 'targets'>
  readonly folded: readonly FoldedStream[]
  /** Ids of streams whose rows are there from before. */
  readonly replaced: { readonly all: readonly string[]; readonly emptied: readonly string[] }
}

/**
 * `behind`: the checkpoints are not the targets. `busy`: readers did not let go of the live table in time. `changed`: the live table got
 * another form meanwhile, and the rebuild begins again. Only the first changed anything that is read.
 */
export type Swapped = 'swapped' | 'behind' | 'busy' | 'changed'

export interface RebuildStore {
  /** Every projection that has rows. */
  built(): Promise<ReadonlyMap<string, BuiltProjection>>
  /** Rebuilds that were asked for and are not over, the first one first. */
  open(): Promise<readonly Rebuild[]>
  /** Asks for one; changes nothing where one of this version is under way. */
  request(name: ProjectionName, version: number): Promise<void>
  /** An empty table beside the live one; its targets are the checkpoints of now. */
  begin(rebuild: Rebuild): Promise<void>
  /** `overtaken`: somebody else did this turn, or this call did and its answer was lost. */
  write(rebuild: Rebuild, write: RebuildWrite): Promise<'written' | 'overtaken'>
  swap(rebuild: Rebuild): Promise<Swapped>
  /** Lets the planner know the new rows, so that nobody reads them slowly at first. */
  analyse(rebuild: Rebuild): Promise<void>
  close(): Promise<void>
}
