/** The attempts that are out, as the timers of their tasks tell them. */
import { type DurationMs, durationMs, type Instant, type TimerRow, type WorkerId } from '@tasker/core'
import { refKey } from '../dispatch/worker.js'
import type { AttemptRef } from './api.js'

export interface AttemptOut {
  readonly ref: AttemptRef
  readonly worker: WorkerId
  readonly deadlineAt: Instant
  /** The longest silence of its handler; undefined when it need not say that it is alive. */
  readonly heartbeatMs: DurationMs | undefined
}

export const attemptsOut = (rows: readonly TimerRow[]): readonly AttemptOut[] => {
  const heartbeats = new Map(rows.flatMap((row) => (row.kind === 'heartbeat' ? keyed(row) : [])))
  return rows.flatMap((row): readonly AttemptOut[] => {
    if (row.kind !== 'step_timeout' || row.step === undefined || row.worker === undefined) return []
    const ref = { taskId: row.taskId, step: row.step, attempt: row.attempt }
    const heartbeatAt = heartbeats.get(refKey(ref))
    const heartbeatMs = heartbeatAt === undefined ? undefined : durationMs(heartbeatAt - row.dueAt)
    return [{ ref, worker: row.worker, deadlineAt: row.dueAt, heartbeatMs }]
  })
}

const keyed = ({ taskId, step, attempt, dueAt }: TimerRow): readonly (readonly [string, Instant])[] =>
  step === undefined ? [] : [[refKey({ taskId, step, attempt }), dueAt]]
