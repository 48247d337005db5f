/** The wall between stored projections and typed rows. */
import {
  handlerName,
  instant,
  namespaceOf,
  type Partition,
  partitionNumber,
  parseTaskId,
  present,
  type ReadyRow,
  stepId,
  type TaskId,
  type TimerRow,
  workerId,
} from '@tasker/core'
import { z } from 'zod'
import { NO_STEP } from './tables/timer.js'

const taskId = z.string().transform((text): TaskId => present(parseTaskId(text), `the task id in ${text}`))
const count = z.coerce.number().int()

const READY = z
  .object({
    task_id: taskId,
    step: z.string(),
    attempt: count,
    namespace: z.string(),
    handler: z.string(),
    priority: count,
    ready_at_ms: count,
  })
  .transform(
    (row): ReadyRow => ({
      taskId: row.task_id,
      step: stepId(row.step),
      attempt: row.attempt,
      namespace: namespaceOf(row.namespace),
      handler: handlerName(row.handler),
      priority: row.priority,
      readyAt: instant(row.ready_at_ms),
    }),
  )

const TIMER = z
  .object({
    task_id: taskId,
    kind: z.enum(['run_at', 'retry', 'step_timeout', 'cancel_grace']),
    step: z.string(),
    attempt: count,
    due_at_ms: count,
    worker: z.string().nullable(),
  })
  .transform(
    (row): TimerRow => ({
      taskId: row.task_id,
      kind: row.kind,
      step: row.step === NO_STEP ? undefined : stepId(row.step),
      attempt: row.attempt,
      dueAt: instant(row.due_at_ms),
      worker: row.worker === null ? undefined : workerId(row.worker),
    }),
  )

const CHECKPOINTS = z
  .array(z.object({ partition: count, seq: count }))
  .transform(
    (rows): ReadonlyMap<Partition, number> => new Map(rows.map(({ partition, seq }) => [partitionNumber(partition), seq])),
  )

const QUEUES = z.array(
  z
    .object({ namespace: z.string(), handler: z.string(), waiting: count })
    .transform((row) => ({ namespace: namespaceOf(row.namespace), handler: handlerName(row.handler), waiting: row.waiting })),
)

const IDENTITIES = z.array(z.object({ task_id: taskId }))
const SNAPSHOT = z.tuple([z.object({ rows: z.array(z.unknown()), checkpoints: z.array(z.unknown()) })])
const WRITTEN = z.tuple([z.object({ agreed: z.boolean() })])

export const parseReady = (row: unknown): ReadyRow => READY.parse(row)
export const parseTimer = (row: unknown): TimerRow => TIMER.parse(row)
export const parseCheckpoints = (rows: unknown): ReadonlyMap<Partition, number> => CHECKPOINTS.parse(rows)
export const parseQueues = (rows: unknown): z.infer<typeof QUEUES> => QUEUES.parse(rows)
export const parseIdentity = (rows: unknown): TaskId | undefined => IDENTITIES.parse(rows)[0]?.task_id
export const parseSnapshot = (rows: unknown): { readonly rows: readonly unknown[]; readonly checkpoints: readonly unknown[] } =>
  SNAPSHOT.parse(rows)[0]
export const parseAgreed = (rows: unknown): boolean => WRITTEN.parse(rows)[0].agreed
