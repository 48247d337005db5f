/** The flags that ask for a task as it was at a moment of its past. */
import { InvalidArgumentError } from 'commander'
import { type AsOfAnswer } from './answers.js'
import { usageFault } from './exit.js'
import { type HttpRequest } from './http-client.js'
import { type Terminal } from './terminal.js'

export interface MomentFlags {
  readonly atVersion?: number
  readonly atTime?: string
}

const version = (text: string): number => {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError('Versions are whole numbers from 1.')
  return Number(text)
}

export const AT_VERSION = ['--at-version <number>', 'as it was after this event', version] as const
export const AT_TIME = ['--at-time <instant>', 'as it was then: RFC 3339, or milliseconds since 1970'] as const

/** Throws when both are given: they are two moments. */
export const momentQuery = ({ atVersion, atTime }: MomentFlags): NonNullable<HttpRequest['query']> => {
  if (atVersion !== undefined && atTime !== undefined)
    throw usageFault('--at-version and --at-time are two moments', 'give one of them')
  return { at_version: atVersion, at_time: atTime }
}

/** Says that what follows is the past. */
export const writeMoment = ({ out, colours }: Terminal, asOf: AsOfAnswer | undefined): void => {
  if (asOf !== undefined) out(colours.dim(`as of version ${asOf.version}, ${asOf.at}`))
}
