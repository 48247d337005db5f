/** The structured log of the server: one JSON line an entry, secrets taken out. */
import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

export interface LoggerOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Standard error when not given, so that standard output stays free for what commands print. */
  readonly destination?: DestinationStream
}

/** Where secrets may stand in an entry; their values are replaced. */
const SECRET_PATHS = ['password', '*.password', 'authorization', '*.authorization', 'databaseUrl', '*.databaseUrl']

const STDERR = 2

/** A logger with instants as RFC 3339 text and level names instead of numbers. */
export const createLogger = ({ level, destination }: LoggerOptions): Logger =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: STDERR, sync: false }),
  )
