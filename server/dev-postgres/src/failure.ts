/** The one error of the package: PostgreSQL could not be started, with what it said and what to do about it. */

/** Thrown by `startPostgres`. The message holds PostgreSQL's own last words and hints; it is meant for people. */
export class PostgresStartError extends Error {
  override readonly name = 'PostgresStartError'
  /** What a person can do, one sentence each. */
  readonly hints: readonly string[]

  constructor(what: string, hints: readonly string[], cause?: unknown) {
    super([what, ...hints.map((hint) => `  - ${hint}`)].join('\n'), cause === undefined ? undefined : { cause })
    this.hints = hints
  }
}

/** The `code` of a Node system error, such as `ENOENT`. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
