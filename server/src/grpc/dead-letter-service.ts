/** `DlqService` on a gRPC server: which function answers which call. */
import type { Server } from '@grpc/grpc-js'
import {
  type AddDlqEntryRequest,
  DlqServiceService,
  type GetDlqEntryByTaskRequest,
  type GetDlqEntryRequest,
  type GetDlqStatsRequest,
  type GetInvestigationQueueRequest,
  type GetStalenessMonitoringRequest,
  type ListDlqEntriesRequest,
  type UpdateInvestigationRequest,
} from '@tasker/proto'
import {
  addDlqEntry,
  getDlqEntry,
  getDlqEntryByTask,
  getDlqStats,
  getInvestigationQueue,
  getStalenessMonitoring,
  listDlqEntries,
  updateInvestigation,
} from './dead-letter-calls.js'
import { tolerant } from './decoding.js'
import type { GrpcDoor } from './door.js'
import { unary } from './unary.js'

export const addDlqService = (server: Server, door: GrpcDoor): void => {
  const { logger } = door
  server.addService(
    {
      listEntries: tolerant(DlqServiceService.listEntries),
      getEntry: tolerant(DlqServiceService.getEntry),
      getEntryByTask: tolerant(DlqServiceService.getEntryByTask),
      addEntry: tolerant(DlqServiceService.addEntry),
      updateInvestigation: tolerant(DlqServiceService.updateInvestigation),
      getStats: tolerant(DlqServiceService.getStats),
      getInvestigationQueue: tolerant(DlqServiceService.getInvestigationQueue),
      getStalenessMonitoring: tolerant(DlqServiceService.getStalenessMonitoring),
    },
    {
      listEntries: unary(logger, (request: ListDlqEntriesRequest) => listDlqEntries(door, request)),
      getEntry: unary(logger, (request: GetDlqEntryRequest) => getDlqEntry(door, request)),
      getEntryByTask: unary(logger, (request: GetDlqEntryByTaskRequest) => getDlqEntryByTask(door, request)),
      addEntry: unary(logger, (request: AddDlqEntryRequest) => addDlqEntry(door, request)),
      updateInvestigation: unary(logger, (request: UpdateInvestigationRequest) => updateInvestigation(door, request)),
      getStats: unary(logger, (request: GetDlqStatsRequest) => getDlqStats(door, request)),
      getInvestigationQueue: unary(logger, (request: GetInvestigationQueueRequest) => getInvestigationQueue(door, request)),
      getStalenessMonitoring: unary(logger, (request: GetStalenessMonitoringRequest) => getStalenessMonitoring(door, request)),
    },
  )
}
