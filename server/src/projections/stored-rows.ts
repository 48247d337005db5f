/** The wall between stored projections and typed rows. */
import {
  durationMs,
  handlerName,
  instant,
  type KeyLimit,
  type KeyRow,
  namespaceOf,
  type Partition,
  partitionNumber,
  parseTaskId,
  present,
  queueName,
  type ReadyRow,
  type ScheduleRow,
  stepId,
  type TaskId,
  type TimerRow,
  workerId,
} from '@tasker/core'
import { z } from 'zod'
import { parseKeyState } from './key-state-text.js'
import { parseScheduleState } from './schedule-state-text.js'
import type { SnapshotRow } from './snapshots/snapshot.js'
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
    queue: z.string(),
    fairness_key: z.string(),
    priority: count,
    ready_at_ms: count,
    rank_ms: count,
    gate_limit: count.nullable(),
    gate_per_ms: count.nullable(),
  })
  .transform(
    (row): ReadyRow => ({
      taskId: row.task_id,
      step: stepId(row.step),
      attempt: row.attempt,
      namespace: namespaceOf(row.namespace),
      handler: handlerName(row.handler),
      queue: queueName(row.queue),
      gate: gateOf(row.gate_limit, row.gate_per_ms),
      fairnessKey: row.fairness_key,
      priority: row.priority,
      readyAt: instant(row.ready_at_ms),
      rank: row.rank_ms,
    }),
  )

const gateOf = (limit: number | null, perMs: number | null): KeyLimit | undefined =>
  limit === null ? undefined : { limit, perMs: perMs === null ? undefined : durationMs(perMs) }

const TIMER = z
  .object({
    task_id: taskId,
    kind: z.enum([
      'run_at',
      'retry',
      'step_timeout',
      'heartbeat',
      'schedule_to_start',
      'schedule_to_close',
      'cancel_grace',
      'staleness',
      'function',
    ]),
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
    .object({ namespace: z.string(), queue: z.string(), waiting: count })
    .transform((row) => ({ namespace: namespaceOf(row.namespace), queue: queueName(row.queue), waiting: row.waiting })),
)

const KEYS = z.array(
  z.object({ namespace: z.string(), queue: z.string(), stream_version: count, state: z.string() }).transform(
    (row): KeyRow => ({
      namespace: namespaceOf(row.namespace),
      queue: queueName(row.queue),
      streamVersion: row.stream_version,
      state: parseKeyState(row.state),
    }),
  ),
)

const SCHEDULES = z.array(
  z.object({ namespace: z.string(), name: z.string(), stream_version: count, state: z.string() }).transform(
    (row): ScheduleRow => ({
      namespace: namespaceOf(row.namespace),
      name: row.name,
      streamVersion: row.stream_version,
      state: parseScheduleState(row.state),
    }),
  ),
)

const SCHEDULE_NAMES = z.array(
  z
    .object({ namespace: z.string().transform(namespaceOf), name: z.string() })
    .transform(({ namespace, name }) => ({ namespace, name })),
)

const SNAPSHOTS = z.array(
  z
    .object({ task_id: taskId, version: count, schema: z.string(), commit_hash: z.instanceof(Buffer), state: z.string() })
    .transform(
      (row): SnapshotRow => ({
        taskId: row.task_id,
        version: row.version,
        schema: row.schema,
        hash: row.commit_hash,
        state: row.state,
      }),
    ),
)

const IDENTITIES = z.array(z.object({ task_id: taskId }))
const SNAPSHOT = z.tuple([z.object({ rows: z.array(z.unknown()), checkpoints: z.array(z.unknown()) })])
const WRITTEN = z.tuple([z.object({ agreed: z.boolean() })])

export const parseReady = (row: unknown): ReadyRow => READY.parse(row)
export const parseTimer = (row: unknown): TimerRow => TIMER.parse(row)
export const parseCheckpoints = (rows: unknown): ReadonlyMap<Partition, number> => CHECKPOINTS.parse(rows)
export const parseQueues = (rows: unknown): z.infer<typeof QUEUES> => QUEUES.parse(rows)
export const parseIdentity = (rows: unknown): TaskId | undefined => IDENTITIES.parse(rows)[0]?.task_id
export const parseStoredSnapshot = (rows: unknown): SnapshotRow | undefined => SNAPSHOTS.parse(rows)[0]
export const parseKeys = (rows: unknown): readonly KeyRow[] => KEYS.parse(rows)
export const parseSchedules = (rows: unknown): readonly ScheduleRow[] => SCHEDULES.parse(rows)
export const parseScheduleNames = (rows: unknown): readonly Pick<ScheduleRow, 'namespace' | 'name'>[] =>
  SCHEDULE_NAMES.parse(rows)
export const parseSnapshot = (rows: unknown): { readonly rows: readonly unknown[]; readonly checkpoints: readonly unknown[] } =>
  SNAPSHOT.parse(rows)[0]
export const parseAgreed = (rows: unknown): boolean => WRITTEN.parse(rows)[0].agreed
