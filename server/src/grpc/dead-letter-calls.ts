/** The calls of `DlqService`. */
import { instant, type JsonText, LIMITS, type Namespace, namespaceOf, parseTaskId, type TaskId } from '@tasker/core'
import {
  type AddDlqEntryRequest,
  type DlqEntry,
  type DlqEntryChange,
  DlqReason,
  DlqResolutionStatus,
  type DlqStatsResponse,
  type GetDlqEntryByTaskRequest,
  type GetDlqEntryRequest,
  type GetDlqStatsRequest,
  type GetInvestigationQueueRequest,
  type GetStalenessMonitoringRequest,
  type InvestigationQueueResponse,
  type ListDlqEntriesRequest,
  type ListDlqEntriesResponse,
  type Payload,
  type StalenessMonitoringResponse,
  type UpdateInvestigationRequest,
} from '@tasker/proto'
import type { ConsistencyToken, TaskOrder } from '../engine/api.js'
import { Fault, type InputProblem } from '../faults.js'
import { latestLetter, letterRef, monitoredTasks, readLetter, remarks } from '../query/letters.js'
import { LISTING_LIMITS } from '../query/query.js'
import { reasonOf, statusOf, wireInvestigation, wireLetter, wireMonitored, wireStats } from './dead-letter-message.js'
import type { GrpcDoor } from './door.js'
import { refusalFault } from './errors.js'
import { invalidFields, taskNotFound } from './input-faults.js'
import { readPayload } from './payload.js'
import { ANONYMOUS } from './submission.js'
import { checkText } from './text-fields.js'
import { requiredTaskId } from './unary.js'

const RANKED_DEFAULT = 100

export const listDlqEntries = async (door: GrpcDoor, request: ListDlqEntriesRequest): Promise<ListDlqEntriesResponse> => {
  refuseIf(listProblems(request))
  const page = await door.query.deadLetters.list({
    filter: {
      namespace: namespaceIn(request.namespace),
      statuses: request.resolutionStatus.flatMap((status) => statusOf(status) ?? []),
      reason: reasonOf(request.dlqReason),
      taskId: request.taskId === '' ? undefined : requiredTaskId(request.taskId),
    },
    limit: request.limit === 0 ? LIMITS.pageItemsDefault : request.limit,
    start: request.cursor === '' ? { type: 'first' } : { type: 'cursor', cursor: request.cursor },
    consistencyTokens: request.consistencyTokens,
  })
  return { entries: page.rows.map(wireLetter), nextCursor: page.nextCursor ?? '' }
}

export const getDlqEntry = async (door: GrpcDoor, request: GetDlqEntryRequest): Promise<DlqEntry> =>
  wireLetter(await readLetter(door.engine, letterRef(request.entryId)))

export const getDlqEntryByTask = async (door: GrpcDoor, request: GetDlqEntryByTaskRequest): Promise<DlqEntry> =>
  latestOf(door, requiredTaskId(request.taskId))

export const addDlqEntry = async (door: GrpcDoor, request: AddDlqEntryRequest): Promise<DlqEntryChange> => {
  const taskId = requiredTaskId(request.taskId)
  const said = saidBy(request.by, '/by', request.resolutionNotes, request.metadata)
  const consistencyToken = await ordered(door, taskId, { type: 'dead_letter', ...said })
  return { entry: await latestOf(door, taskId), consistencyToken }
}

export const updateInvestigation = async (door: GrpcDoor, request: UpdateInvestigationRequest): Promise<DlqEntryChange> => {
  const ref = letterRef(request.entryId)
  const status = statusOf(request.resolutionStatus)
  if (status === undefined && request.resolutionStatus !== DlqResolutionStatus.DLQ_RESOLUTION_STATUS_UNSPECIFIED)
    refuseIf([unknownWord('/resolution_status')])
  const said = saidBy(request.resolvedBy, '/resolved_by', request.resolutionNotes, request.metadata)
  const order: TaskOrder = { type: 'update_dead_letter', entry: ref.entry, ...(status === undefined ? {} : { status }), ...said }
  const consistencyToken = await ordered(door, ref.taskId, order)
  return { entry: wireLetter(await readLetter(door.engine, ref)), consistencyToken }
}

export const getDlqStats = async (door: GrpcDoor, request: GetDlqStatsRequest): Promise<DlqStatsResponse> => ({
  stats: (await door.query.deadLetters.stats(namespaceIn(request.namespace))).map(wireStats),
})

export const getInvestigationQueue = async (
  door: GrpcDoor,
  { limit, namespace }: GetInvestigationQueueRequest,
): Promise<InvestigationQueueResponse> => {
  const ranked = await door.query.deadLetters.investigations(instant(Date.now()), rankedLimit(limit), namespaceIn(namespace))
  return { entries: ranked.map(wireInvestigation) }
}

export const getStalenessMonitoring = async (
  door: GrpcDoor,
  { limit, namespace }: GetStalenessMonitoringRequest,
): Promise<StalenessMonitoringResponse> => {
  const now = instant(Date.now())
  const tasks = await monitoredTasks(door.engine, door.query.deadLetters, now, rankedLimit(limit), namespaceIn(namespace))
  return { tasks: tasks.map(wireMonitored(now)) }
}

const latestOf = async (door: GrpcDoor, taskId: TaskId): Promise<DlqEntry> => {
  const snapshot = await door.engine.read(taskId)
  if (snapshot === undefined) throw new Fault(taskNotFound(taskId))
  return wireLetter(latestLetter(taskId, snapshot.state))
}

const ordered = async (door: GrpcDoor, taskId: TaskId, order: TaskOrder): Promise<ConsistencyToken> => {
  const answer = await door.engine.order(taskId, order, ANONYMOUS)
  switch (answer.type) {
    case 'done':
      return answer.token
    case 'refused':
      throw new Fault(refusalFault(answer.refusal))
    case 'failed':
      throw new Fault(answer.fault)
  }
}

/** What a person says of an entry; an empty text says nothing. */
const saidBy = (by: string, byPath: string, notes: string, metadata: Payload | undefined): ReturnType<typeof remarks> => {
  const problems: InputProblem[] = []
  checkText(problems, byPath, by)
  checkText(problems, '/resolution_notes', notes, LIMITS.deadLetterNotesCharsMax)
  const read = metadata === undefined ? undefined : metadataText(problems, metadata)
  refuseIf(problems)
  return remarks({ by: by === '' ? undefined : by, notes: notes === '' ? undefined : notes, metadata: read })
}

const metadataText = (problems: InputProblem[], payload: Payload): JsonText | undefined => {
  const path = '/metadata'
  const read = readPayload(payload, LIMITS.deadLetterMetadataBytesMax, 'metadata')
  switch (read.type) {
    case 'json':
      if (read.text.startsWith('{')) return read.text
      problems.push({ code: 'WRONG_TYPE', path, message: 'metadata is no JSON object' })
      return undefined
    case 'not_json':
      problems.push({ ...read.problem, path: path + read.problem.path })
      return undefined
    case 'encoding':
    case 'too_large':
      problems.push({ code: 'OUT_OF_RANGE', path, message: read.message })
      return undefined
  }
}

const listProblems = (request: ListDlqEntriesRequest): InputProblem[] => {
  const problems: InputProblem[] = []
  checkText(problems, '/namespace', request.namespace)
  checkText(problems, '/cursor', request.cursor)
  if (request.limit > LIMITS.pageItemsMax)
    problems.push({ code: 'OUT_OF_RANGE', path: '/limit', message: `limit is at most ${LIMITS.pageItemsMax}` })
  if (request.consistencyTokens.length > LISTING_LIMITS.consistencyTokensMax)
    problems.push({ code: 'OUT_OF_RANGE', path: '/consistency_tokens', message: 'too many consistency tokens' })
  if (request.dlqReason !== DlqReason.DLQ_REASON_UNSPECIFIED && reasonOf(request.dlqReason) === undefined)
    problems.push(unknownWord('/dlq_reason'))
  request.resolutionStatus.forEach((status, index) => {
    if (statusOf(status) === undefined) problems.push(unknownWord(`/resolution_status/${index}`))
  })
  if (request.taskId !== '' && parseTaskId(request.taskId) === undefined)
    problems.push({ code: 'WRONG_TYPE', path: '/task_id', message: 'task_id is no ULID' })
  return problems
}

const unknownWord = (path: string): InputProblem => ({
  code: 'OUT_OF_RANGE',
  path,
  message: `${path.slice(1)} is none of the known values`,
})

const rankedLimit = (limit: number): number => Math.min(limit === 0 ? RANKED_DEFAULT : limit, LIMITS.pageItemsMax)

const namespaceIn = (text: string): Namespace | undefined => (text === '' ? undefined : namespaceOf(text))

const refuseIf = (problems: readonly InputProblem[]): void => {
  if (problems.length > 0) throw new Fault(invalidFields(problems))
}
