/** The log in memory keeps the contract; its faults come from its policy. */
import { type AppendFate, memoryLog } from '@tasker/server/internal/log/memory/memory-log'
import { describeEventLog } from './contract.js'
import { PAGE_COMMITS, PARTITIONS } from './harness.js'

describeEventLog('memory', () => {
  let next: AppendFate | undefined
  const append = (): AppendFate => {
    const fate: AppendFate = next ?? { type: 'delivered' }
    next = undefined
    return fate
  }
  const log = memoryLog({ partitionCount: PARTITIONS, pageCommits: PAGE_COMMITS, faults: { append, read: () => undefined } })
  return Promise.resolve({
    log,
    other: () => Promise.resolve(log),
    loseNextAnswer: (written) => {
      next = { type: 'unknown', written }
    },
    close: () => log.close(),
  })
})
