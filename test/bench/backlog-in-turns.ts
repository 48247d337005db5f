/** A backlog of which not every result is waited for at once: the later ones are asked for when the earlier ones are there. */
import type { Backlog } from './system.js'

interface Handle {
  result(): Promise<unknown>
}

/** `watchedMax` results are waited for at once. */
export const backlogInTurns = (submit: () => Promise<Handle>, watchedMax: number): Backlog => {
  const later: Handle[] = []
  const failures: unknown[] = []
  let next = 0
  let watched = 0
  let submitted = 0
  let ended = 0
  let end = (): void => undefined
  const watch = async (handle: Handle): Promise<void> => {
    for (let at: Handle | undefined = handle; at !== undefined; at = later[next++]) {
      await at.result()
      ended++
      if (ended === submitted) end()
    }
  }
  return {
    submit: async () => {
      const handle = await submit()
      submitted++
      if (watched === watchedMax) {
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
