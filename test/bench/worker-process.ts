/** The worker process of a bench run: `node worker-process.js <grpc url> <slots> <workers>`; so many workers share the slots. */
import { defineStep, RetryableError, Worker } from '@tasker/sdk'
import { CLOCK, CLOCK_READ, ECHO, functionOf4, NAMESPACE, NOTHING, SLEEP, SLEEP_MS } from './shapes.js'

const [url = '', slots = '1000', workers = '1'] = process.argv.slice(2)

const dueAtMs = new Map<string, number>()

const sleep = defineStep(SLEEP, ({ taskId }) => {
  const due = dueAtMs.get(taskId)
  if (due !== undefined) return Date.now() - due
  dueAtMs.set(taskId, Date.now() + SLEEP_MS)
  throw new RetryableError('sleeps', { retryAfter: SLEEP_MS })
})

const beganAtMs = new Map<string, number[]>()

const clock = defineStep(CLOCK, ({ taskId }) => {
  const times = beganAtMs.get(taskId)
  if (times === undefined) beganAtMs.set(taskId, [performance.now()])
  else times.push(performance.now())
  return 1
})

const clockRead = defineStep(CLOCK_READ, ({ taskId }) => {
  const times = [...(beganAtMs.get(taskId) ?? []), performance.now()]
  beganAtMs.delete(taskId)
  const [first = 0] = times
  return times.map((time) => time - first)
})

const handlers = [defineStep(NOTHING, () => 1), defineStep(ECHO, ({ input }) => input), sleep, clock, clockRead]
const options = { url, namespace: NAMESPACE, slots: Math.ceil(Number(slots) / Number(workers)), handlers, tasks: [functionOf4] }
await Promise.all(Array.from({ length: Number(workers) }, () => new Worker(options).run()))
