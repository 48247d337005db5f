/** A step that has waited for long in a queue without workers: its task is told, and decides. */
import { type DurationMs, durationMs, type ReadyRow } from '@tasker/core'
import type { Clock } from './clock.js'
import type { StreamLoader } from './stream-loader.js'
import type { TaskRuntime } from './task-runtime.js'

export interface UnservedStepParts {
  readonly loader: StreamLoader
  readonly runtime: TaskRuntime
  readonly clock: Clock
  /** How long the step has to have waited. */
  readonly thresholdMs: DurationMs
}

/** Between two looks at a stream that cannot be read just now. */
const RETRY_MS = durationMs(1_000)

export const reportUnserved =
  (parts: UnservedStepParts) =>
  (row: ReadyRow): void => {
    const { loader, runtime, clock, thresholdMs } = parts
    const { step, attempt } = row
    loader.find(row.taskId, (found) => {
      if (found.type === 'failed' && found.fault.detail.retryable === true)
        clock.after(RETRY_MS, () => reportUnserved(parts)(row))
      if (found.type !== 'stream') return
      const command = { type: 'report_unserved', at: runtime.now(found.stream), step, attempt, thresholdMs } as const
      runtime.apply(found.stream, command, { cause: { actor: 'engine', command: command.type } }, () => undefined)
    })
  }
