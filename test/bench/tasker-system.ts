/** Tasker as the load sees it: the client of the SDK. */
import { Client, type TaskHandle } from '@tasker/sdk'
import { NAMESPACE } from './shapes.js'
import type { Backlog, Connect } from './system.js'

const IN_FLIGHT_MAX = 1_000
/** Results that are waited for at once; a session may have some more. */
const WATCHED_MAX = 100_000

export const connect: Connect = ({ url, shape: backlogShape }) => {
  const client = new Client({ url, namespace: NAMESPACE, maxInFlight: IN_FLIGHT_MAX })
  const submit = (name: string, input: object = {}) => client.submit({ name }, input)
  return Promise.resolve({
    run: async (shape, input) => (await submit(shape, input)).result(),
    backlog: () => backlogOf(() => submit(backlogShape)),
    close: () => {
      client.close()
      return Promise.resolve()
    },
  })
}

/** Each task's result is waited for, the later ones of a large backlog once the earlier ones are there. */
const backlogOf = (submit: () => Promise<TaskHandle>): Backlog => {
  const later: TaskHandle[] = []
  let next = 0
  let submitted = 0
  let ended = 0
  let end = (): void => undefined
  const failures: unknown[] = []
  const watch = async (handle: TaskHandle): Promise<void> => {
    for (let at: TaskHandle | undefined = handle; at !== undefined; at = later[next++]) {
      await at.result()
      ended++
      if (ended === submitted) end()
    }
  }
  let watched = 0
  return {
    submit: async () => {
      const handle = await submit()
      submitted++
      if (watched === WATCHED_MAX) {
        later.push(handle)
        return
      }
      watched++
      watch(handle).catch((error: unknown) => {
        failures.push(error)
        end()
      })
    },
    // Who reads `close submit` starts the worker.
    begin: () => Promise.resolve(),
    done: async () => {
      await new Promise<void>((resolve) => {
        end = resolve
        if (ended === submitted || failures.length > 0) resolve()
      })
      if (failures.length > 0) throw new Error('a task of the backlog has no result', { cause: failures[0] })
    },
  }
}
