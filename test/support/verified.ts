/** The walk of an auditor over a database: chains, places and seals, archived commits included. */
import type { Finding } from '@tasker/server/internal/audit/findings'
import { verifyLog } from '@tasker/server/internal/audit/verify'
import { openAudit } from '@tasker/server/internal/compose'

/** The first thing that is wrong; undefined when nothing is. */
export const auditFinding = async (url: string): Promise<Finding | undefined> => {
  const audit = await openAudit(url)
  try {
    return (await verifyLog(audit.reads, { trusted: undefined })).finding
  } finally {
    await audit.close()
  }
}
