/** Tasker as the load sees it: the client of the SDK. */
import { Client } from '@tasker/sdk'
import { backlogInTurns } from './backlog-in-turns.js'
import { NAMESPACE } from './shapes.js'
import type { Connect } from './system.js'

const IN_FLIGHT_MAX = 1_000
/** Results that are waited for at once; a session may have some more. */
const WATCHED_MAX = 100_000

export const connect: Connect = ({ url, shape: backlogShape }) => {
  const client = new Client({ url, namespace: NAMESPACE, maxInFlight: IN_FLIGHT_MAX })
  const submit = (name: string, input: object = {}) => client.submit({ name }, input)
  return Promise.resolve({
    run: async (shape, input) => (await submit(shape, input)).result(),
    backlog: () => backlogInTurns(() => submit(backlogShape), WATCHED_MAX),
    close: () => {
      client.close()
      return Promise.resolve()
    },
  })
}
