/** The settings of an engine that is started inside a test; each says what it wants otherwise. */
import { durationMs, NO_LIFECYCLE } from '@tasker/core'
import type { EngineSettings } from '@tasker/server/internal/engine/engine-ports'

export const ENGINE_SETTINGS: EngineSettings = {
  node: 'node',
  batchCommitsMax: 500,
  cacheBytesMax: 100_000_000,
  projectionIntervalMs: durationMs(100),
  workerGraceMs: durationMs(10_000),
  workerSilenceMs: durationMs(30_000),
  cancelGraceMs: durationMs(10_000),
  templateReplace: false,
  environment: undefined,
  lifecycle: NO_LIFECYCLE,
  workerUnavailableMs: durationMs(5_000),
  workerUnavailableDeadLetterMs: durationMs(600_000),
}
