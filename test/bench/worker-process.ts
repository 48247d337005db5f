/** The worker process of a bench run: `node worker-process.js <grpc url> <slots>`. */
import { defineStep, RetryableError, Worker } from '@tasker/sdk'
import { functionOf4, NAMESPACE, NOTHING, SLEEP, SLEEP_MS } from './shapes.js'

const [url = '', slots = '1000'] = process.argv.slice(2)

const dueAtMs = new Map<string, number>()

const sleep = defineStep(SLEEP, ({ taskId }) => {
  const due = dueAtMs.get(taskId)
  if (due !== undefined) return Date.now() - due
  dueAtMs.set(taskId, Date.now() + SLEEP_MS)
  throw new RetryableError('sleeps', { retryAfter: SLEEP_MS })
})

const handlers = [defineStep(NOTHING, () => 1), sleep]
await new Worker({ url, namespace: NAMESPACE, slots: Number(slots), handlers, tasks: [functionOf4] }).run()
