/** Seals in simulated worlds: small and soon, so that a run of a minute has many. */
import { durationMs } from '@tasker/core'
import type { SealingPorts } from '@tasker/server/internal/engine/seals/sealer'
import { fixedSealKey } from '../support/sealed.js'

export const simulatedSealing: SealingPorts = {
  key: fixedSealKey(),
  commitsMax: 40,
  afterMs: durationMs(5_000),
  published: undefined,
  trouble: () => undefined,
}
