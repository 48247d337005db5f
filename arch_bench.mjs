import { Client, Worker, defineTask } from '@tasker/sdk'
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const url = process.argv[2],
  rest = process.argv[3],
  total = Number(process.argv[4])
const task = defineTask('bench', { namespace: 'shop', version: '1.0.0' }).step('a', () => 1)
const client = new Client({ url, logger: silent })
const worker = new Worker({ url, namespace: 'shop', tasks: [task], slots: 200, signals: false, logger: silent })
const running = worker.run()
await (await client.submit(task, {})).result()
let done = 0,
  from = performance.now()
const IN_FLIGHT = 200
let next = 0
const lane = async () => {
  while (next < total) {
    next++
    const h = await client.submit(task, {})
    await h.result()
    done++
    if (done % 5000 === 0) {
      const now = performance.now()
      const s = await (await fetch(`${rest}/v1/retention`)).json().catch(() => ({}))
      console.log(done, Math.round(5000 / ((now - from) / 1000)), 'tasks/s', 'archived', s.archived_tasks, 'problem', s.problem)
      from = now
    }
  }
}
await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
client.close()
await worker.stop()
await running
process.exit(0)
