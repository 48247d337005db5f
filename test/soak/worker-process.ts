/** A worker of parcels in a process of its own: `node worker-process.js <grpc url> <slots>`. Says when it is connected and what it begins. */
import { Worker } from '@tasker/sdk'
import { parcel } from '../support/parcel.js'

const [url = '', slots = '100'] = process.argv.slice(2)
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const worker = new Worker({
  url,
  namespace: 'faults',
  slots: Number(slots),
  tasks: [parcel],
  logger: silent,
  onConnect: () => process.stdout.write(`connected ${worker.workerId}\n`),
})
await worker.run()
