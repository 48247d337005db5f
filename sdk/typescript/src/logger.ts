/** Where the SDK and its handlers write what people may want to read. */

export interface LogFields {
  readonly [name: string]: unknown
}

/** Any structured logger fits behind these four functions. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

const nothing = (): void => undefined

const line = (level: string, message: string, fields: LogFields | undefined): string =>
  `${JSON.stringify({ at: new Date().toISOString(), level, message, ...fields })}\n`

/** One JSON object a line on standard error, from `info` up. */
export const stderrLogger: Logger = {
  debug: nothing,
  info: (message, fields) => void process.stderr.write(line('info', message, fields)),
  warn: (message, fields) => void process.stderr.write(line('warn', message, fields)),
  error: (message, fields) => void process.stderr.write(line('error', message, fields)),
}

/** The same logger with some fields said once. */
export const withFields = (logger: Logger, fixed: LogFields): Logger => ({
  debug: (message, fields) => logger.debug(message, { ...fixed, ...fields }),
  info: (message, fields) => logger.info(message, { ...fixed, ...fields }),
  warn: (message, fields) => logger.warn(message, { ...fixed, ...fields }),
  error: (message, fields) => logger.error(message, { ...fixed, ...fields }),
})
