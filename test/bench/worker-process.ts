/** The worker process of a bench run: `node worker-process.js <grpc url> <slots>`. */
import { Worker } from '@tasker/sdk'
import { linear4 } from './linear.js'

const [url = '', slots = '1000'] = process.argv.slice(2)
const worker = new Worker({ url, namespace: 'bench', slots: Number(slots), tasks: [linear4] })
await worker.run()
