/** Seals in simulated worlds: made often, and what they say of the log must hold, whatever happened. */
import { durationMs } from '@tasker/core'
import { verifyLog } from '@tasker/server/internal/audit/verify'
import type { SealingPorts } from '@tasker/server/internal/engine/seals/sealer'
import type { MemoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { fixedSealKey } from '../support/sealed.js'

const KEY = fixedSealKey()

/** Small and soon, so that a run of a minute has many. */
export const simulatedSealing: SealingPorts = {
  key: KEY,
  commitsMax: 40,
  afterMs: durationMs(5_000),
  published: undefined,
  trouble: () => undefined,
}

/** The commits of all partitions are what the chains and seals say, and there are seals to say it. */
export const sealViolations = async (log: MemoryLog): Promise<readonly string[]> => {
  const { finding, seals } = await verifyLog(log.audit, { trusted: new Set([KEY.publicKey]) })
  if (finding !== undefined) return [`SEAL the log does not verify: ${JSON.stringify(finding)}`]
  return seals === 0 ? ['SEAL nothing was sealed'] : []
}
