/** Every setting of the server: its variable, its flag, its default and its bounds, read once and reported all at once when wrong. */
import { archivesAnything, LIMITS, readRetention } from '@tasker/core'
import { z } from 'zod'
import { amqpUrl, databaseUrl, retention, wholeNumber, yesOrNo } from './config/values.js'

const PORT_MAX = 65_535
const PARTITIONS_MAX = 1_024
const MIB = 1024 * 1024
const EXCHANGE_CHARS_MAX = 120
const HOUR_MS = 3_600_000
const WEEK_MINUTES = 10_080
const MONTH_MINUTES = 43_200
const ARCHIVE_TASKS_MAX = 10_000

const SCHEMA = z.object({
  databaseUrl,
  host: z.string().min(1, { error: 'is empty' }),
  restPort: wholeNumber(0, PORT_MAX),
  grpcPort: wholeNumber(0, PORT_MAX),
  partitionCount: wholeNumber(1, PARTITIONS_MAX),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
    error: 'is not one of trace, debug, info, warn, error, silent',
  }),
  databaseConnections: wholeNumber(1, 100),
  databaseWaitMs: wholeNumber(0, HOUR_MS),
  appendConnections: wholeNumber(1, 16),
  appendBatchMax: wholeNumber(1, 10_000),
  cacheBytesMax: wholeNumber(MIB, 1024 * 1024 * MIB),
  projectionIntervalMs: wholeNumber(1, 60_000),
  projectionVerifyStreamsPerSecond: wholeNumber(0, 10_000),
  workerGraceMs: wholeNumber(0, HOUR_MS),
  workerSilenceMs: wholeNumber(100, HOUR_MS),
  cancelGraceMs: wholeNumber(0, HOUR_MS),
  stopDeadlineMs: wholeNumber(0, HOUR_MS),
  templateReplace: yesOrNo,
  eventsTransport: z.enum(['pgmq', 'rabbitmq', 'none'], { error: 'is not one of pgmq, rabbitmq, none' }),
  rabbitmqUrl: amqpUrl,
  rabbitmqExchange: z
    .string()
    .min(1, { error: 'is empty' })
    .max(EXCHANGE_CHARS_MAX, { error: `is longer than ${EXCHANGE_CHARS_MAX} characters` }),
  environment: z.string().max(LIMITS.nameCharsMax, { error: 'is too long' }),
  staleWaitingForDependenciesMinutes: wholeNumber(0, WEEK_MINUTES),
  staleWaitingForRetryMinutes: wholeNumber(0, WEEK_MINUTES),
  staleStepsInProcessMinutes: wholeNumber(0, WEEK_MINUTES),
  staleDurationMinutes: wholeNumber(0, MONTH_MINUTES),
  staleBlockedMinutes: wholeNumber(0, MONTH_MINUTES),
  stalenessAction: z.enum(['dlq', 'error', 'none'], { error: 'is not one of dlq, error, none' }),
  workerUnavailableMs: wholeNumber(0, HOUR_MS),
  retention,
  archiveDir: z.string(),
  archiveBatchTasksMax: wholeNumber(1, ARCHIVE_TASKS_MAX),
  archivePauseMs: wholeNumber(0, HOUR_MS),
  archiveIntervalMs: wholeNumber(100, 24 * HOUR_MS),
  workerUnavailableDlqMs: wholeNumber(1_000, WEEK_MINUTES * 60_000),
  sealKey: z.string(),
  sealPublicKeys: z.string(),
  sealsDir: z.string(),
  sealCommitsMax: wholeNumber(10, 100_000),
  sealAfterMs: wholeNumber(100, HOUR_MS),
})

/** What settings must agree on. */
const WHOLE = SCHEMA.superRefine(({ retention: ages, archiveDir }, context) => {
  const reading = readRetention(ages)
  if (reading.type === 'invalid' || !archivesAnything(reading.retention) || archiveDir !== '') return
  const message = 'is empty, and TASKER_RETENTION says that tasks are archived'
  context.addIssue({ code: 'custom', path: ['archiveDir'], message })
})

/** What `startServer` takes. Ports of 0 mean any free port. */
export type ServerConfig = Readonly<z.infer<typeof SCHEMA>>

export type SettingKey = keyof ServerConfig

/** One line of the table of settings. */
export interface Setting {
  readonly key: SettingKey
  readonly variable: string
  /** As the command line spells it. */
  readonly flag: string
  readonly placeholder: string
  /** Undefined when the setting must be given. */
  readonly fallback: string | undefined
  readonly meaning: string
}

const setting = (
  key: SettingKey,
  variable: string,
  flag: string,
  placeholder: string,
  fallback: string | undefined,
  meaning: string,
): Setting => ({ key, variable, flag, placeholder, fallback, meaning })

/** The one table that `tasker server --help` and the documentation show. */
export const SETTINGS: readonly Setting[] = [
  setting('databaseUrl', 'DATABASE_URL', '--database-url', 'url', undefined, 'PostgreSQL that keeps the log'),
  setting('host', 'TASKER_HOST', '--host', 'address', '127.0.0.1', 'address to listen on; 0.0.0.0 for all'),
  setting('restPort', 'TASKER_REST_PORT', '--rest-port', 'port', '8080', 'REST; 0 takes any free port'),
  setting('grpcPort', 'TASKER_GRPC_PORT', '--grpc-port', 'port', '9190', 'gRPC; 0 takes any free port'),
  setting(
    'partitionCount',
    'TASKER_PARTITIONS',
    '--partitions',
    'count',
    '16',
    'partitions of the log, fixed by the first start',
  ),
  setting('logLevel', 'TASKER_LOG_LEVEL', '--log-level', 'level', 'info', 'trace, debug, info, warn, error or silent'),
  setting('databaseConnections', 'TASKER_DATABASE_CONNECTIONS', '--database-connections', 'count', '8', 'connections for reads'),
  setting(
    'databaseWaitMs',
    'TASKER_DATABASE_WAIT_MS',
    '--database-wait-ms',
    'ms',
    '60000',
    'how long a start waits for a database that is away',
  ),
  setting(
    'appendConnections',
    'TASKER_APPEND_CONNECTIONS',
    '--append-connections',
    'count',
    '1',
    'connections that append to the log',
  ),
  setting(
    'appendBatchMax',
    'TASKER_APPEND_BATCH_MAX',
    '--append-batch-max',
    'commits',
    '500',
    'commits written by one statement at most',
  ),
  setting(
    'cacheBytesMax',
    'TASKER_CACHE_BYTES_MAX',
    '--cache-bytes-max',
    'bytes',
    String(128 * MIB),
    'memory for folded tasks at most',
  ),
  setting(
    'projectionIntervalMs',
    'TASKER_PROJECTION_INTERVAL_MS',
    '--projection-interval-ms',
    'ms',
    '100',
    'pause between two writes of the read models',
  ),
  setting(
    'projectionVerifyStreamsPerSecond',
    'TASKER_PROJECTION_VERIFY_STREAMS_PER_SECOND',
    '--projection-verify-streams-per-second',
    'count',
    '20',
    'streams whose rows are compared with the log each second, all the time; 0 for none',
  ),
  setting(
    'workerGraceMs',
    'TASKER_WORKER_GRACE_MS',
    '--worker-grace-ms',
    'ms',
    String(LIMITS.workerGraceMs),
    'how long a broken worker stream may take to come back',
  ),
  setting(
    'workerSilenceMs',
    'TASKER_WORKER_SILENCE_MS',
    '--worker-silence-ms',
    'ms',
    String(LIMITS.workerSilenceMs),
    'how long a live worker stream may be silent',
  ),
  setting(
    'cancelGraceMs',
    'TASKER_CANCEL_GRACE_MS',
    '--cancel-grace-ms',
    'ms',
    String(LIMITS.cancelGraceMs),
    'how long a cancelled task waits for its running steps',
  ),
  setting(
    'stopDeadlineMs',
    'TASKER_STOP_DEADLINE_MS',
    '--stop-deadline-ms',
    'ms',
    '10000',
    'how long a stopping server may take to drain',
  ),
  setting(
    'templateReplace',
    'TASKER_TEMPLATE_REPLACE',
    '--template-replace',
    'true|false',
    'false',
    'whether registering other content under the same version replaces it',
  ),
  setting(
    'eventsTransport',
    'TASKER_EVENTS_TRANSPORT',
    '--events-transport',
    'name',
    'pgmq',
    'where domain events go: pgmq, rabbitmq or none',
  ),
  setting(
    'rabbitmqUrl',
    'RABBITMQ_URL',
    '--rabbitmq-url',
    'url',
    'amqp://127.0.0.1:5672',
    'RabbitMQ, when domain events go there',
  ),
  setting(
    'rabbitmqExchange',
    'TASKER_RABBITMQ_EXCHANGE',
    '--rabbitmq-exchange',
    'name',
    'tasker.domain_events',
    'the topic exchange, when domain events go to RabbitMQ',
  ),
  setting(
    'environment',
    'TASKER_ENV',
    '--environment',
    'name',
    '',
    "whose overrides in a template's environments count; none when empty",
  ),
  setting(
    'staleWaitingForDependenciesMinutes',
    'TASKER_STALE_WAITING_FOR_DEPENDENCIES_MINUTES',
    '--stale-waiting-for-dependencies-minutes',
    'minutes',
    '0',
    'how long tasks may wait for dependencies where their template does not say; 0 leaves it at 60',
  ),
  setting(
    'staleWaitingForRetryMinutes',
    'TASKER_STALE_WAITING_FOR_RETRY_MINUTES',
    '--stale-waiting-for-retry-minutes',
    'minutes',
    '0',
    'how long tasks may wait for a retry; 0 leaves it at 30',
  ),
  setting(
    'staleStepsInProcessMinutes',
    'TASKER_STALE_STEPS_IN_PROCESS_MINUTES',
    '--stale-steps-in-process-minutes',
    'minutes',
    '0',
    'how long steps may run or wait for a worker; 0 leaves it at 30 for steps that run',
  ),
  setting(
    'staleDurationMinutes',
    'TASKER_STALE_DURATION_MINUTES',
    '--stale-duration-minutes',
    'minutes',
    '0',
    'how long a task may take in all; 0 is for ever',
  ),
  setting(
    'staleBlockedMinutes',
    'TASKER_STALE_BLOCKED_MINUTES',
    '--stale-blocked-minutes',
    'minutes',
    '0',
    'how long a blocked task waits for a person before it fails; 0 is for ever',
  ),
  setting(
    'stalenessAction',
    'TASKER_STALENESS_ACTION',
    '--staleness-action',
    'action',
    'dlq',
    'dlq, error or none, where a template does not say',
  ),
  setting(
    'retention',
    'TASKER_RETENTION',
    '--retention',
    'ages',
    '',
    'how long tasks that are over are kept, by namespace, such as shop=30d,*=90d; for ever where nothing is said',
  ),
  setting(
    'archiveDir',
    'TASKER_ARCHIVE_DIR',
    '--archive-dir',
    'directory',
    '',
    'where older tasks are archived; none when empty',
  ),
  setting(
    'archiveBatchTasksMax',
    'TASKER_ARCHIVE_BATCH_TASKS_MAX',
    '--archive-batch-tasks-max',
    'tasks',
    '500',
    'tasks of one archive at most',
  ),
  setting(
    'archivePauseMs',
    'TASKER_ARCHIVE_PAUSE_MS',
    '--archive-pause-ms',
    'ms',
    '500',
    'pause between two archives while tasks are due',
  ),
  setting(
    'archiveIntervalMs',
    'TASKER_ARCHIVE_INTERVAL_MS',
    '--archive-interval-ms',
    'ms',
    '60000',
    'how often is looked for tasks that are due',
  ),
  setting(
    'workerUnavailableMs',
    'TASKER_WORKER_UNAVAILABLE_MS',
    '--worker-unavailable-ms',
    'ms',
    String(LIMITS.workerUnavailableMs),
    'a queue that no worker serves is reported after this',
  ),
  setting(
    'workerUnavailableDlqMs',
    'TASKER_WORKER_UNAVAILABLE_DLQ_MS',
    '--worker-unavailable-dlq-ms',
    'ms',
    String(LIMITS.workerUnavailableDeadLetterMs),
    'a step that waits in such a queue makes a dead letter after this',
  ),
  setting(
    'sealKey',
    'TASKER_SEAL_KEY',
    '--seal-key',
    'file',
    '',
    'ed25519 private key for seals, PEM or its file; none when empty',
  ),
  setting(
    'sealPublicKeys',
    'TASKER_SEAL_PUBLIC_KEYS',
    '--seal-public-keys',
    'list',
    '',
    'public keys that signed seals before, 43 characters each, joined by commas',
  ),
  setting('sealsDir', 'TASKER_SEALS_DIR', '--seals-dir', 'folder', '', 'where seals are published; nowhere when empty'),
  setting(
    'sealCommitsMax',
    'TASKER_SEAL_COMMITS_MAX',
    '--seal-commits-max',
    'commits',
    '10000',
    'commits that a seal covers at most',
  ),
  setting(
    'sealAfterMs',
    'TASKER_SEAL_AFTER_MS',
    '--seal-after-ms',
    'ms',
    '60000',
    'how long a commit waits for its seal at most',
  ),
]

export interface SettingProblem {
  readonly variable: string
  readonly flag: string
  readonly message: string
}

export type ConfigAnswer =
  | { readonly type: 'valid'; readonly config: ServerConfig }
  /** Every wrong setting, not the first alone. */
  | { readonly type: 'invalid'; readonly problems: readonly SettingProblem[] }

export type Environment = { readonly [variable: string]: string | undefined }
export type SettingTexts = { readonly [Key in SettingKey]?: string | undefined }

/** Flags win over the environment, the environment over the defaults; an empty variable counts as not set. */
export const readServerConfig = (environment: Environment, flags: SettingTexts = {}): ConfigAnswer => {
  const texts: Record<string, string> = {}
  const missing: SettingProblem[] = []
  for (const { key, variable, flag, fallback } of SETTINGS) {
    const text = flags[key] ?? (environment[variable] || fallback)
    if (text === undefined) missing.push({ variable, flag, message: 'is not set' })
    else texts[key] = text
  }
  const parsed = WHOLE.safeParse(texts)
  if (parsed.success) return { type: 'valid', config: parsed.data }
  return { type: 'invalid', problems: [...missing, ...parsed.error.issues.flatMap((issue) => problemOf(issue, texts))] }
}

const problemOf = (issue: z.core.$ZodIssue, texts: Readonly<Record<string, string>>): readonly SettingProblem[] => {
  const found = SETTINGS.find(({ key }) => key === issue.path[0])
  const text = found && texts[found.key]
  if (found === undefined || text === undefined) return []
  const shown = SECRET_KEYS.has(found.key) ? 'its value' : `'${text}'`
  return [{ variable: found.variable, flag: found.flag, message: `${shown} ${issue.message}` }]
}

/** Settings that may hold a password. */
export const SECRET_KEYS: ReadonlySet<SettingKey> = new Set(['databaseUrl', 'rabbitmqUrl', 'sealKey'])

/** The table of settings as text, one setting a line, for `--help` and for the documentation. */
export const settingsTable = (without: readonly SettingKey[] = []): string => {
  const shown = SETTINGS.filter(({ key }) => !without.includes(key))
  const rows = shown.map(({ variable, flag, placeholder, fallback, meaning }) => [
    `${flag} <${placeholder}>`,
    variable,
    fallback ?? 'must be given',
    meaning,
  ])
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()).join('\n')
}
