/** Tasker as the load sees it: the client of the SDK. */
import { Client } from '@tasker/sdk'
import { NAMESPACE } from './shapes.js'
import type { Connect } from './system.js'

const IN_FLIGHT_MAX = 1_000

export const connect: Connect = ({ url, shape: backlogShape }) => {
  const client = new Client({ url, namespace: NAMESPACE, maxInFlight: IN_FLIGHT_MAX })
  const submit = (name: string, input: object = {}) => client.submit({ name }, input)
  return Promise.resolve({
    run: async (shape, input) => (await submit(shape, input)).result(),
    backlog: () => {
      const results: Promise<unknown>[] = []
      return {
        submit: async () => {
          const handle = await submit(backlogShape)
          results.push(handle.result())
        },
        // Who reads `close submit` starts the worker.
        begin: () => Promise.resolve(),
        done: async () => {
          await Promise.all(results)
        },
      }
    },
    close: () => {
      client.close()
      return Promise.resolve()
    },
  })
}
