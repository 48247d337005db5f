/** What every command has at hand: where the server is, how to write, and what the global flags say. */
import { type HttpClient, httpClient } from './http-client.js'
import { usageFault } from './exit.js'
import { type Terminal } from './terminal.js'

export type Environment = { readonly [variable: string]: string | undefined }

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly json?: boolean
  readonly url?: string
  readonly token?: string
  readonly namespace?: string
}

export interface CommandContext {
  readonly terminal: Terminal
  readonly environment: Environment
  /** Whether one JSON document (or one a line, for what streams) is wanted instead of text. */
  readonly json: boolean
  readonly http: HttpClient
  readonly namespace: string | undefined
}

const URL_DEFAULT = 'http://127.0.0.1:8080'

export const commandContext = (terminal: Terminal, environment: Environment, flags: GlobalFlags): CommandContext => {
  const url = flags.url ?? (environment['TASKER_URL'] || URL_DEFAULT)
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw usageFault(`'${url}' is not the URL of a server`, `it looks like ${URL_DEFAULT}`)
  }
  return {
    terminal,
    environment,
    json: flags.json ?? false,
    http: httpClient(url, flags.token ?? (environment['TASKER_TOKEN'] || undefined)),
    namespace: flags.namespace ?? (environment['TASKER_NAMESPACE'] || undefined),
  }
}
