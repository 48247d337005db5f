/** Rows in memory keep the contract of projected rows. */
import { memoryStore } from '@tasker/server/internal/projections/memory-store'
import { expect, test } from 'vitest'
import { batchOf, describeProjectionStore } from './contract.js'

describeProjectionStore('memory', () => {
  const store = memoryStore()
  return Promise.resolve({
    store,
    tasks: () => Promise.resolve(store.dump().tasks.map(({ taskId, status, tags }) => ({ taskId, status, tags }))),
    close: () => store.close(),
  })
})

test('a write can be made to fail', async () => {
  const store = memoryStore(() => Promise.reject(new Error('on order')))
  await expect(store.write(batchOf([]))).rejects.toThrow('on order')
})
