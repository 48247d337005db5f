/** Orders to tasks over gRPC: cancel, pause, resume, retry and resolve, for one task or for all that a filter finds. */
import { instant, LIMITS, namespaceOf } from '@tasker/core'
import {
  BulkAction as WireAction,
  type BulkRequest,
  type BulkResponse,
  type BulkTask as WireTask,
  type CancelRequest,
  type CancelResponse,
  type OrderRequest,
  type OrderResponse,
  type TaskFilter as WireFilter,
} from '@tasker/proto'
import type { CommandAnswer } from '../engine/api.js'
import { Fault, type InputProblem } from '../faults.js'
import { type BulkAction, type BulkTask, runBulk } from '../operators/bulk.js'
import type { TaskFilter } from '../query/query.js'
import type { EngineDoor, GrpcDoor } from './door.js'
import { errorDetail, refusalFault } from './errors.js'
import { invalidFields } from './input-faults.js'
import { ANONYMOUS } from './submission.js'
import { statusesOf } from './task-calls.js'
import { checkText } from './text-fields.js'
import { requiredTaskId } from './unary.js'

/** The token of an order that is done; throws what was said otherwise. */
export const doneToken = (answer: CommandAnswer): string => {
  switch (answer.type) {
    case 'done':
      return answer.token
    case 'refused':
      throw new Fault(refusalFault(answer.refusal))
    case 'failed':
      throw new Fault(answer.fault)
  }
}

/** What was not said is empty on the wire and absent inside. */
export const saidReason = (reason: string): { readonly reason?: string } => (reason === '' ? {} : { reason })

export const cancelTask = async (door: EngineDoor, request: CancelRequest): Promise<CancelResponse> => {
  const taskId = requiredTaskId(request.taskId)
  checkReason(request.reason)
  const { reason } = saidReason(request.reason)
  return { consistencyToken: doneToken(await door.engine.cancel(taskId, reason, ANONYMOUS)) }
}

export const orderTask =
  (type: 'pause' | 'resume' | 'retry' | 'resolve') =>
  async (door: EngineDoor, request: OrderRequest): Promise<OrderResponse> => {
    const taskId = requiredTaskId(request.taskId)
    checkReason(request.reason)
    const answer = await door.engine.order(taskId, { type, ...saidReason(request.reason) }, ANONYMOUS)
    return { consistencyToken: doneToken(answer) }
  }

const checkReason = (reason: string): void => {
  const problems: InputProblem[] = []
  checkText(problems, '/reason', reason, LIMITS.failureMessageCharsMax)
  if (problems.length > 0) throw new Fault(invalidFields(problems))
}

const ACTIONS: ReadonlyMap<WireAction, BulkAction> = new Map([
  [WireAction.BULK_ACTION_CANCEL, 'cancel'],
  [WireAction.BULK_ACTION_PAUSE, 'pause'],
  [WireAction.BULK_ACTION_RESUME, 'resume'],
  [WireAction.BULK_ACTION_RETRY, 'retry'],
])

export const bulkOrder = async (door: GrpcDoor, request: BulkRequest): Promise<BulkResponse> => {
  checkReason(request.reason)
  const problems: InputProblem[] = []
  const action = ACTIONS.get(request.action)
  if (action === undefined) problems.push({ code: 'MISSING_FIELD', path: '/action', message: 'action names no order' })
  if (request.limit > LIMITS.pageItemsMax)
    problems.push({ code: 'OUT_OF_RANGE', path: '/limit', message: `limit is at most ${LIMITS.pageItemsMax}` })
  const filter = filterOf(request.filter, problems)
  if (problems.length > 0 || action === undefined) throw new Fault(invalidFields(problems))
  const report = await runBulk(door.engine, door.query, {
    action,
    filter,
    dryRun: request.dryRun,
    reason: request.reason === '' ? undefined : request.reason,
    actor: ANONYMOUS,
    limit: request.limit === 0 ? undefined : request.limit,
    cursor: request.cursor === '' ? undefined : request.cursor,
  })
  const count = (outcome: BulkTask['outcome']): number => report.tasks.filter((task) => task.outcome === outcome).length
  return {
    matched: report.tasks.length,
    done: count('done'),
    refused: count('refused'),
    failed: count('failed'),
    tasks: report.tasks.map(wireBulkTask),
    nextCursor: report.nextCursor ?? '',
  }
}

const wireBulkTask = ({ taskId, status, outcome, fault }: BulkTask): WireTask => ({
  taskId,
  status,
  outcome,
  error: fault === undefined ? undefined : errorDetail(fault),
})

const FILTER_TEXTS = ['namespace', 'name', 'version', 'tag', 'initiator', 'correlationId', 'text'] as const

const filterOf = (wire: WireFilter | undefined, problems: InputProblem[]): TaskFilter => {
  if (wire === undefined) return {}
  for (const field of FILTER_TEXTS) checkText(problems, `/filter/${field}`, wire[field])
  const text = (value: string): string | undefined => (value === '' ? undefined : value)
  const at = (value: number) => (value === 0 ? undefined : instant(value))
  return {
    namespace: wire.namespace === '' ? undefined : namespaceOf(wire.namespace),
    name: text(wire.name),
    version: text(wire.version),
    statuses: wire.status.length === 0 ? undefined : statusesOf(wire.status),
    tag: text(wire.tag),
    initiator: text(wire.initiator),
    correlationId: text(wire.correlationId),
    createdFrom: at(wire.createdFromMs),
    createdBefore: at(wire.createdBeforeMs),
    updatedFrom: at(wire.updatedFromMs),
    updatedBefore: at(wire.updatedBeforeMs),
    text: text(wire.text),
  }
}
