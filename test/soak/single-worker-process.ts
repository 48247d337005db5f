/** A worker of tasks with one step in a process of its own: `node single-worker-process.js <grpc url> <slots>`. */
import { Worker } from '@tasker/sdk'
import { single } from './single-task.js'

const [url = '', slots = '1000'] = process.argv.slice(2)
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const worker = new Worker({
  url,
  namespace: 'single',
  slots: Number(slots),
  tasks: [single],
  logger: silent,
  onConnect: () => process.stdout.write('connected\n'),
})
await worker.run()
