/** The front of the package: a real PostgreSQL out of npm packages, for development and tests. */
export { type PostgresOptions, type RunningPostgres, startPostgres } from './start.js'
export { PostgresStartError } from './failure.js'
