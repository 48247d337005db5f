/**
 * One pass over the log that compares the projected rows with what its streams come to.
 *
 * V1  Rows are compared with their stream as it was at the checkpoints the rows were read with: lag is no difference.
 * V2  Streams without rows count, and rows without a stream.
 * V3  What cannot be known is not compared, and said: streams no code of ours can read, and streams that went into an archive meanwhile.
 */
import type { Plan, TemplateHash } from '@tasker/core'
import type { EventLog, StoredCommit } from '../../log/port.js'
import type { ProjectionName } from '../fold/names.js'
import { type Projection, projectionOf } from '../fold/projections.js'
import type { Unreadable } from '../upkeep-api.js'
import { type FoldedStream, foldStreams, type StreamFold, type UnreadableStream } from '../fold/stream-fold.js'
import type { RowRecord } from '../tables/projected-table.js'
import { ActivityCheck, type HourRange, hourRanges } from './activity-check.js'
import { differencesOf, rowDifference } from './compare.js'
import { identityDifferences, strayHolders } from './identity-check.js'
import { type NamedPage, type RowDifference, type StoredRows, TASK_TABLES, type TaskPage } from './port.js'

export interface PassParts {
  readonly log: EventLog
  readonly stored: StoredRows
  readonly plans: (hash: TemplateHash) => Plan | undefined
}

export interface PassOptions {
  readonly names: ReadonlySet<ProjectionName>
  /** Streams of one page. */
  readonly pageStreams: number
  /** Hours beyond the newest that fit are left out: they would cost another pass over the log. */
  readonly newestHoursOnly: boolean
  /** Called after each page with the streams it held; false ends the pass. */
  readonly goOn: (streams: number) => Promise<boolean>
  readonly differs: (difference: RowDifference) => void
}

export interface PassReport {
  /** The whole log was gone through. */
  readonly complete: boolean
  readonly streams: number
  /** Streams that can be read only up to a place, and the first of them. */
  readonly unreadable: number
  readonly firstUnreadable: Unreadable | undefined
  /** Projections of which nothing can be said, and why. */
  readonly notCompared: readonly string[]
}

/** Rejects when the database cannot be read; it can be begun again. */
export const verifyPass = async (parts: PassParts, options: PassOptions): Promise<PassReport> => {
  const pass = new Pass(parts, options)
  const complete = await pass.run()
  return { complete, ...pass.report() }
}

class Pass {
  readonly #parts: PassParts
  readonly #options: PassOptions
  #streams = 0
  #unreadable = 0
  #firstUnreadable: PassReport['firstUnreadable']
  readonly #notCompared: string[] = []

  constructor(parts: PassParts, options: PassOptions) {
    this.#parts = parts
    this.#options = options
  }

  report(): Omit<PassReport, 'complete'> {
    return {
      streams: this.#streams,
      unreadable: this.#unreadable,
      firstUnreadable: this.#firstUnreadable,
      notCompared: this.#notCompared,
    }
  }

  async run(): Promise<boolean> {
    const { names } = this.#options
    return (
      (await this.#tasks()) &&
      (!names.has('identity') || (await this.#strayHolders())) &&
      (!names.has('key') || (await this.#keys())) &&
      (!names.has('schedule') || (await this.#schedules()))
    )
  }

  /** Tables of tasks and the newest hours in one go; older hours need one each. */
  async #tasks(): Promise<boolean> {
    const { names, newestHoursOnly } = this.#options
    const tables = TASK_TABLES.filter((name) => names.has(name)).map(projectionOf)
    const ranges = names.has('activity') ? await hourRanges(this.#parts.stored) : []
    const [newest, ...older] = ranges
    if (tables.length > 0 || names.has('identity') || newest !== undefined) {
      if (!(await this.#goThroughTasks(tables, names.has('identity'), newest))) return false
    }
    if (newestHoursOnly) return true
    for (const range of older) if (!(await this.#goThroughTasks([], false, range))) return false
    return true
  }

  async #goThroughTasks(tables: readonly Projection[], withIdentity: boolean, range: HourRange | undefined): Promise<boolean> {
    const { stored } = this.#parts
    const { pageStreams, goOn } = this.#options
    const archivedBefore = range === undefined ? 0 : await stored.archivedCommits()
    const activity =
      range === undefined ? undefined : new ActivityCheck(range, await stored.activity(range.fromMs, range.beforeMs))
    for (let after = ''; ; ) {
      const page = await stored.tasks(after, pageStreams)
      await this.#comparePage(page, after, tables, { withIdentity, activity })
      if (!(await goOn(page.ids.length))) return false
      if (page.upTo === undefined) break
      after = page.upTo
    }
    if (activity !== undefined && (await stored.archivedCommits()) !== archivedBefore)
      activity.spoil('commits of archived tasks went while their hours were added up')
    if (activity?.spoiled !== undefined) this.#notCompared.push(`activity: ${activity.spoiled}`)
    for (const difference of activity?.differences() ?? []) this.#options.differs(difference)
    return true
  }

  async #comparePage(
    page: TaskPage,
    after: string,
    tables: readonly Projection[],
    { withIdentity, activity }: { readonly withIdentity: boolean; readonly activity: ActivityCheck | undefined },
  ): Promise<void> {
    const rows = new Map(tables.map((table) => [table.name, byTask(rowsOfTable(page, table.name))]))
    const folded: FoldedStream[] = []
    for await (const fold of this.#folds('task', after, page, activity)) {
      const result = fold.result()
      this.#heard(fold, result, activity)
      if (result.type === 'task' && !fold.archivedLater) folded.push(result)
      for (const table of tables) {
        const found = rows.get(table.name)?.get(fold.stream.id) ?? []
        rows.get(table.name)?.delete(fold.stream.id)
        if (result.type === 'unreadable' || fold.archivedLater) continue
        const version = result.type === 'task' ? result.version : undefined
        this.#tell(differencesOf(table, table.records(result), found, version))
      }
    }
    for (const table of tables) for (const stray of rows.get(table.name)?.values() ?? []) this.#tellStray(table, stray)
    if (withIdentity) this.#tell(await identityDifferences(this.#parts.stored, folded))
  }

  /** The streams of a page as they were when its rows were read. Those that came meanwhile have nothing up to there. */
  #folds(
    kind: 'task' | 'key' | 'schedule',
    after: string,
    page: TaskPage | NamedPage,
    activity?: ActivityCheck,
  ): AsyncGenerator<StreamFold> {
    const { log, plans } = this.#parts
    const counts = activity === undefined ? undefined : (commit: StoredCommit) => activity.counts(commit)
    const ids = page.upTo === undefined ? { after } : { after, upTo: page.upTo }
    return foldStreams(log.readKind(kind, ids), { plans, upTo: page.checkpoints, counts })
  }

  #heard(fold: StreamFold, result: FoldedStream, activity: ActivityCheck | undefined): void {
    this.#streams++
    if (result.type === 'unreadable') this.#heardUnreadable(fold, result, activity)
    if (result.type === 'task' || result.type === 'nothing') activity?.add(result.activity)
  }

  #heardUnreadable({ stream }: StreamFold, { position, message }: UnreadableStream, activity: ActivityCheck | undefined): void {
    this.#unreadable++
    this.#firstUnreadable ??= { stream: `${stream.kind} ${stream.id}`, position, message }
    activity?.spoil('a stream cannot be read to its end')
  }

  async #strayHolders(): Promise<boolean> {
    const { stored } = this.#parts
    const { pageStreams, goOn } = this.#options
    for (let after = ''; ; ) {
      const holders = await stored.holdersAfter(after, pageStreams)
      this.#tell(strayHolders(holders))
      const last = holders.at(-1)
      if (!(await goOn(holders.length))) return false
      if (last === undefined || holders.length < pageStreams) return true
      after = last.scope
    }
  }

  async #keys(): Promise<boolean> {
    const { stored } = this.#parts
    return (
      (await this.#named('key', 'queue', (after, limit) => stored.keys(after, limit))) &&
      this.#strays('key', await stored.strayKeys())
    )
  }

  async #schedules(): Promise<boolean> {
    const { stored } = this.#parts
    return (
      (await this.#named('schedule', 'name', (after, limit) => stored.schedules(after, limit))) &&
      this.#strays('schedule', await stored.straySchedules())
    )
  }

  /** Streams of one row each, whose id is the namespace and the other column of its key. */
  async #named(
    kind: 'key' | 'schedule',
    column: string,
    pageAfter: (after: string, limit: number) => Promise<NamedPage>,
  ): Promise<boolean> {
    const { pageStreams, goOn } = this.#options
    const projection = projectionOf(kind)
    for (let after = ''; ; ) {
      const page = await pageAfter(after, pageStreams)
      const rows = new Map(page.rows.map((row) => [`${String(row['namespace'])}/${String(row[column])}`, row]))
      for await (const fold of this.#folds(kind, after, page)) {
        const result = fold.result()
        this.#heard(fold, result, undefined)
        const found = rows.get(fold.stream.id)
        const version = result.type === kind ? result.row.streamVersion : undefined
        if (result.type !== 'unreadable')
          this.#tell(differencesOf(projection, projection.records(result), found === undefined ? [] : [found], version))
      }
      if (!(await goOn(page.ids.length))) return false
      if (page.upTo === undefined) return true
      after = page.upTo
    }
  }

  #strays(name: ProjectionName, rows: readonly RowRecord[]): true {
    this.#tellStray(projectionOf(name), rows)
    return true
  }

  #tell(differences: readonly RowDifference[]): void {
    for (const difference of differences) this.#options.differs(difference)
  }

  #tellStray(projection: Projection, rows: readonly RowRecord[]): void {
    this.#tell(rows.map((row) => rowDifference(projection, 'unexpected', row, undefined)))
  }
}

const rowsOfTable = (page: TaskPage, name: ProjectionName): readonly RowRecord[] => {
  const table = TASK_TABLES.find((known) => known === name)
  return table === undefined ? [] : page.rows[table]
}

const byTask = (rows: readonly RowRecord[]): Map<string, readonly RowRecord[]> => {
  const tasks = new Map<string, RowRecord[]>()
  for (const row of rows) {
    const taskId = String(row['task_id'])
    const list = tasks.get(taskId)
    if (list === undefined) tasks.set(taskId, [row])
    else list.push(row)
  }
  return tasks
}
