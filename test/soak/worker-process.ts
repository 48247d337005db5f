/**
 * A worker of all kinds of work in a process of its own: `node worker-process.js <grpc url> <slots>`. Says when it is connected, and when it
 * begins its first step after that.
 */
import { Worker, type TaskDefinition } from '@tasker/sdk'
import { WORK_KINDS } from './mixed-work.js'

const [url = '', slots = '100'] = process.argv.slice(2)
const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

let waitsForFirst = false

/** The definition with handlers that tell of the first call after a connection. */
const telling = (definition: TaskDefinition): TaskDefinition => {
  const steps = definition.steps.map((step) => ({
    ...step,
    handler: (context: never): unknown => {
      if (waitsForFirst) process.stdout.write(`began ${Date.now()}\n`)
      waitsForFirst = false
      return step.handler?.(context)
    },
  }))
  return { ...definition, schema: definition.schema, steps, template: () => definition.template() }
}

const worker = new Worker({
  url,
  namespace: 'faults',
  slots: Number(slots),
  tasks: WORK_KINDS.map(({ definition }) => telling(definition)),
  logger: silent,
  onConnect: () => {
    waitsForFirst = true
    process.stdout.write(`connected ${worker.workerId} ${Date.now()}\n`)
  },
})
await worker.run()
