/**
 * One order to all tasks that a filter finds, a bounded page at a time.
 *
 * B1  A page is ordered by age, oldest first, so that a cursor goes on where the page before ended whatever became of its tasks.
 * B2  Each task decides for itself: a row may be a moment old, and what a task refuses is told with its reason.
 * B3  A dry run asks nobody: it tells which tasks would be given the order.
 */
import { LIMITS, type TaskId, type TaskRow, type TaskStatus } from '@tasker/core'
import type { CommandAnswer, Engine, TaskOrder } from '../engine/api.js'
import { Fault, type FaultDetail } from '../faults.js'
import type { Query, TaskFilter } from '../query/query.js'
import { TASK_STATUSES } from '../query/rows.js'

export const BULK_ACTIONS = ['cancel', 'pause', 'resume', 'retry'] as const
export type BulkAction = (typeof BULK_ACTIONS)[number]

export interface BulkOrder {
  readonly action: BulkAction
  readonly filter: TaskFilter
  readonly dryRun: boolean
  readonly reason: string | undefined
  readonly actor: string
  /** From 1 to `LIMITS.pageItemsMax`; `LIMITS.pageItemsDefault` when not given. */
  readonly limit: number | undefined
  readonly cursor: string | undefined
}

export interface BulkTask {
  readonly taskId: TaskId
  /** As the row had it. */
  readonly status: TaskStatus
  readonly outcome: 'would' | 'done' | 'refused' | 'failed'
  /** Why not, when refused or failed. */
  readonly fault: FaultDetail | undefined
}

export interface BulkReport {
  readonly tasks: readonly BulkTask[]
  /** Undefined when no task is left. */
  readonly nextCursor: string | undefined
}

/** Orders on their way at once. */
const AT_ONCE = 50

/** Statuses in which an order can make sense; the filter's own statuses are kept to them. */
const FITTING: { readonly [Action in BulkAction]: (status: TaskStatus) => boolean } = {
  cancel: (status) => !OVER.has(status) && status !== 'cancelling',
  pause: (status) => !OVER.has(status) && status !== 'cancelling' && status !== 'paused',
  resume: (status) => status === 'paused' || status === 'blocked_by_failures',
  retry: (status) => !OVER.has(status) && status !== 'cancelling',
}

const OVER: ReadonlySet<string> = new Set(['complete', 'cancelled', 'resolved_manually', 'error'])

export const runBulk = async (engine: Engine, query: Pick<Query, 'listTasks'>, order: BulkOrder): Promise<BulkReport> => {
  if (isEmpty(order.filter)) throw emptyFilter()
  const statuses = (order.filter.statuses ?? defaultStatuses(order.action)).filter(FITTING[order.action])
  if (statuses.length === 0) return { tasks: [], nextCursor: undefined }
  const page = await query.listTasks({
    filter: { ...order.filter, statuses },
    sort: { by: 'created_at', direction: 'asc' },
    limit: order.limit ?? LIMITS.pageItemsDefault,
    start: order.cursor === undefined ? { type: 'first' } : { type: 'cursor', cursor: order.cursor },
  })
  const tasks: BulkTask[] = []
  for (let at = 0; at < page.rows.length; at += AT_ONCE) {
    tasks.push(...(await Promise.all(page.rows.slice(at, at + AT_ONCE).map((row) => orderOne(engine, row, order)))))
  }
  return { tasks, nextCursor: page.nextCursor }
}

/** A task that runs may have failed steps too, and a blocked one may be paused; they are meant when the caller names their statuses. */
const defaultStatuses = (action: BulkAction): readonly TaskStatus[] => {
  if (action === 'retry') return ['blocked_by_failures']
  return action === 'resume' ? ['paused'] : TASK_STATUSES
}

const orderOne = async (engine: Engine, { taskId, status }: TaskRow, order: BulkOrder): Promise<BulkTask> => {
  if (order.dryRun) return { taskId, status, outcome: 'would', fault: undefined }
  const answer = await engine.order(taskId, taskOrder(order), order.actor)
  return { taskId, status, ...outcomeOf(answer) }
}

const taskOrder = ({ action, reason }: BulkOrder): TaskOrder =>
  reason === undefined ? { type: action } : { type: action, reason }

const outcomeOf = (answer: CommandAnswer): Pick<BulkTask, 'outcome' | 'fault'> => {
  switch (answer.type) {
    case 'done':
      return { outcome: 'done', fault: undefined }
    case 'refused':
      return { outcome: 'refused', fault: answer.refusal }
    case 'failed':
      return { outcome: 'failed', fault: answer.fault }
  }
}

const isEmpty = (filter: TaskFilter): boolean =>
  Object.values(filter).every((value) => value === undefined || (Array.isArray(value) && value.length === 0))

const emptyFilter = (): Fault => {
  const message = 'the filter is empty, so every task of every namespace would be meant'
  return new Fault({
    code: 'INVALID_INPUT',
    reason: 'INVALID_REQUEST',
    message: `${message}.`,
    hint: 'Say at least a namespace or a status.',
    errors: [{ code: 'MISSING_FIELD', message, path: '/filter' }],
  })
}
