/** Durable functions of the user's modules, and the SDK that these modules themselves use. */
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { usageFault } from './exit.js'

const definition = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  version: z.string(),
  body: z.function(),
  template: z.function(),
})

/** What `defineFunction` gave. */
export interface LocalFunction {
  readonly namespace: string
  readonly name: string
  readonly version: string
  /** Runs the function on the events of a task; rejects for code that does not fit. */
  readonly replay: (events: readonly unknown[]) => Promise<void>
}

type Replay = (events: readonly unknown[], definition: unknown) => Promise<unknown>

/** The functions that modules export, alone or in lists. Throws for a module that does not load or has none. */
export const localFunctions = async (files: readonly string[]): Promise<readonly LocalFunction[]> => {
  const found = new Map<string, LocalFunction>()
  for (const file of files) {
    const path = resolve(file)
    const exported = (await loaded(file, path)).flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    const replay = await sdkReplay(file, path)
    let count = 0
    for (const value of exported) {
      const read = definition.safeParse(value)
      if (!read.success) continue
      count++
      const { namespace, name, version } = read.data
      const run = async (events: readonly unknown[]): Promise<void> => {
        await replay(events, value)
      }
      found.set(`${namespace}/${name}@${version}`, { namespace, name, version, replay: run })
    }
    if (count === 0) throw usageFault(`${file} exports no durable function`, 'export what `defineFunction` gives')
  }
  return [...found.values()]
}

const loaded = async (file: string, path: string): Promise<readonly unknown[]> => {
  try {
    return Object.values((await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>)
  } catch (thrown) {
    throw usageFault(`${file} cannot be loaded: ${messageOf(thrown)}`, 'give the built JavaScript of a module')
  }
}

/** The SDK that the module imports: its scheduler is the one that will run the functions. */
const sdkReplay = async (file: string, path: string): Promise<Replay> => {
  try {
    const sdk = (await import(pathToFileURL(createRequire(path).resolve('@tasker/sdk')).href)) as { readonly replay?: unknown }
    if (typeof sdk.replay === 'function') return sdk.replay as Replay
  } catch (thrown) {
    throw usageFault(`the @tasker/sdk of ${file} cannot be loaded: ${messageOf(thrown)}`, 'install @tasker/sdk beside the module')
  }
  throw usageFault(`the @tasker/sdk of ${file} has no \`replay\``, 'update @tasker/sdk')
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
