/** I33: at rest the commits of all partitions are what the chains and seals say, and where servers seal there are seals to say it. */
import { verifyLog } from '@tasker/server/internal/audit/verify'
import { simulatedSealing } from '../sealing.js'
import type { InvariantOf } from './invariant.js'

export const sealsVerify: InvariantOf = (violated) => ({
  rest: async ({ log, isSealed }) => {
    const { finding, seals } = await verifyLog(log.audit, { trusted: new Set([simulatedSealing.key.publicKey]) })
    if (finding !== undefined) violated(`I33 the log does not verify: ${JSON.stringify(finding)}`)
    if (isSealed && seals === 0) violated('I33 nothing was sealed')
  },
})
