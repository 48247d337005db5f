/**
 * What the server counts about itself. The hot path adds to plain numbers; Prometheus objects are made and filled when somebody scrapes.
 * `docs/metrics.md` lists every name.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { type ScheduleMetrics, scheduleMetrics } from './schedule-metrics.js'

export type StepOutcome = 'completed' | 'failed' | 'timed_out' | 'cancelled' | 'resolved_manually'
export type TaskEnd = 'completed' | 'cancelled' | 'failed' | 'resolved_manually'

/** What the engine reports. Every method is cheap enough for the hot path. */
export interface EngineMetrics extends ScheduleMetrics {
  /** One append to the log was acknowledged: how many commits it held and how long it took. */
  commitsAppended(commits: number, seconds: number): void
  /** An append ended otherwise. */
  appendFailed(result: 'collided' | 'refused' | 'unknown' | 'unavailable'): void
  taskSubmitted(): void
  taskEnded(end: TaskEnd): void
  taskBlocked(): void
  /** A task's history went to an archive. */
  taskArchived(): void
  /** The task or a step of it stayed in this state for too long; `duration` is the whole life of it. */
  taskWentStale(state: string): void
  deadLetterOpened(reason: string): void
  deadLetterResolved(status: string): void
  /** An attempt went to a worker. */
  stepStarted(): void
  /** An attempt ended; a failed one that will be retried counts here too. */
  stepEnded(outcome: StepOutcome): void
  stepRetryScheduled(): void
  /** A condition was false. */
  stepSkipped(): void
  /** A start was taken back before its worker saw it. */
  stepReleased(): void
  stepCheckpointed(): void
  resultIgnored(): void
  /** Attempts were given places of keys. */
  keysGranted(count: number): void
  /** A domain event is in the log, to be published or refused for its payload. */
  domainEventRecorded(verdict: 'published' | 'refused'): void
  /** A batch is with the transport: how many events it held and how long it took. */
  domainEventsPublished(events: number, seconds: number): void
  /** The transport did not take a batch; it is tried again. */
  domainEventsFailed(): void
  /** Listeners that could not take a live event. */
  domainEventsDropped(events: number): void
  /** A seal that covers so many commits is in the log. */
  sealed(commits: number): void
  /** A seal could not be made, or not be published; it is tried again. */
  sealFailed(where: 'log' | 'directory'): void
}

/** What the archiver reports. */
export interface ArchiveMetrics {
  archiveWritten(bytes: number): void
  /** A pass ended early; it is tried again. */
  archiveFailed(): void
}

/** What is reported of the projected rows. */
export interface UpkeepMetrics {
  /** A row that is not what the log says. */
  rowDiffers(projection: string): void
  streamsVerified(streams: number): void
  /** New rows took the place of the old ones. */
  projectionRebuilt(projection: string): void
}

/** What the REST door reports. */
export interface HttpMetrics {
  /** `route` is the pattern, such as `/v1/tasks/:task_id`, never the address itself. */
  httpRequest(method: string, route: string, status: number, seconds: number): void
}

/** Levels read from the engine when somebody scrapes. */
export interface EngineLevels {
  readonly pendingCommits: number
  readonly projectionLagSeconds: number
  readonly workers: number
  readonly slots: number
  readonly slotsBusy: number
  readonly readySteps: number
  readonly keyStepsWaiting: number
  readonly keyPlacesHeld: number
  readonly quarantinedStreams: number
  readonly domainEventLagSeconds: number
  readonly unservedQueues: number
  /** 1 when ready, else 0. */
  readonly ready: number
  readonly clockOffsetSeconds: number
  readonly limits: readonly { readonly limit: string; readonly used: number; readonly max: number }[]
  readonly archiveLagSeconds: number
  /** How long the oldest commit waits for its seal, and the oldest seal to be published. */
  readonly sealWaitingSeconds: number
  readonly sealUnpublishedSeconds: number
}

/** How far the rows of a projection are behind one partition of the log. */
export interface ProjectionLag {
  readonly projection: string
  readonly partition: number
  readonly commits: number
  readonly seconds: number
}

export interface Metrics extends EngineMetrics, ArchiveMetrics, HttpMetrics, UpkeepMetrics {
  /** Where levels are read from, at each scrape. */
  observeLevels(levels: () => EngineLevels): void
  observeLags(lags: () => readonly ProjectionLag[]): void
  /** The registry in the Prometheus text format. */
  scrape(): Promise<{ readonly contentType: string; readonly text: string }>
}

const SECONDS_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const COMMITS_BUCKETS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000]

/** A registry of its own, so that several servers in one process do not share numbers. `withProcess` adds CPU, memory and event loop of the process. */
export const createMetrics = (options: { readonly withProcess: boolean } = { withProcess: false }): Metrics => {
  const registry = new Registry()
  if (options.withProcess) collectDefaultMetrics({ register: registry, prefix: 'tasker_node_' })
  const http = httpMetrics(registry)
  return {
    ...engineMetrics(registry),
    ...domainEventMetrics(registry),
    ...archiveMetrics(registry),
    ...sealMetrics(registry),
    ...scheduleMetrics(registry),
    ...http,
    ...upkeepMetrics(registry),
    observeLevels: levelGauges(registry),
    observeLags: lagGauges(registry),
    scrape: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  }
}

const archiveMetrics = (registry: Registry): ArchiveMetrics => {
  const bytes = plainCounter(registry, 'tasker_archived_bytes_total', 'Bytes of the archives that were written.')
  const failures = plainCounter(registry, 'tasker_archive_failures_total', 'Passes of the archiver that ended early.')
  return { archiveWritten: (count) => bytes.add(count), archiveFailed: () => failures.add(1) }
}

type DomainEventMetrics = Pick<EngineMetrics, `domainEvent${string}` & keyof EngineMetrics>

const domainEventMetrics = (registry: Registry): DomainEventMetrics => {
  const recorded = labelledCounter(registry, 'tasker_domain_events_recorded_total', 'Domain events put into the log.', 'verdict')
  const published = plainCounter(registry, 'tasker_domain_events_published_total', 'Domain events the transport has taken.')
  const failed = plainCounter(registry, 'tasker_domain_event_failures_total', 'Batches the transport did not take.')
  const dropped = plainCounter(registry, 'tasker_domain_events_dropped_total', 'Live events a listener could not take.')
  const seconds = new Histogram({
    name: 'tasker_domain_event_publish_seconds',
    help: 'Time a batch of domain events took to be with the transport.',
    buckets: SECONDS_BUCKETS,
    registers: [registry],
  })
  return {
    domainEventRecorded: (verdict) => recorded.add(verdict),
    domainEventsPublished: (events, took) => {
      published.add(events)
      seconds.observe(took)
    },
    domainEventsFailed: () => failed.add(1),
    domainEventsDropped: (events) => dropped.add(events),
  }
}

type SealMetrics = Pick<EngineMetrics, `seal${string}` & keyof EngineMetrics>

const sealMetrics = (registry: Registry): SealMetrics => {
  const seals = plainCounter(registry, 'tasker_seals_total', 'Seals put into the log.')
  const covered = plainCounter(registry, 'tasker_sealed_commits_total', 'Commits that seals cover.')
  const failed = labelledCounter(
    registry,
    'tasker_seal_failures_total',
    'Seals that were not made or not published at once.',
    'where',
  )
  return {
    sealed: (commits) => {
      seals.add(1)
      covered.add(commits)
    },
    sealFailed: (where) => failed.add(where),
  }
}

const engineMetrics = (
  registry: Registry,
): Omit<EngineMetrics, keyof DomainEventMetrics | keyof SealMetrics | keyof ScheduleMetrics> => {
  const tally = (name: string, help: string) => plainCounter(registry, name, help)
  const submitted = tally('tasker_tasks_submitted_total', 'Tasks accepted.')
  const blocked = tally('tasker_tasks_blocked_total', 'Times a task came to wait for a person.')
  const archived = tally('tasker_tasks_archived_total', 'Tasks whose history went to an archive.')
  const started = tally('tasker_steps_started_total', 'Attempts given to workers.')
  const retried = tally('tasker_steps_retry_scheduled_total', 'Attempts that will be followed by another.')
  const checkpointed = tally('tasker_steps_checkpointed_total', 'Checkpoints that running attempts saved.')
  const skipped = tally('tasker_steps_skipped_total', 'Steps whose condition was false.')
  const released = tally('tasker_steps_released_total', 'Starts taken back before their worker saw them.')
  const ignored = tally('tasker_step_results_ignored_total', 'Results that came too late to count.')
  const granted = tally('tasker_key_grants_total', 'Places of keys given to attempts.')
  const commits = tally('tasker_commits_total', 'Commits appended to the log.')
  const tasksEnded = labelledCounter(registry, 'tasker_tasks_ended_total', 'Tasks that reached their end.', 'end')
  const stepsEnded = labelledCounter(registry, 'tasker_steps_ended_total', 'Attempts that ended.', 'outcome')
  const failures = labelledCounter(registry, 'tasker_append_failures_total', 'Appends the log did not take.', 'result')
  const batch = new Histogram({
    name: 'tasker_commit_batch_commits',
    help: 'Commits in one append.',
    buckets: COMMITS_BUCKETS,
    registers: [registry],
  })
  const stale = labelledCounter(
    registry,
    'tasker_tasks_went_stale_total',
    'Times a task or step stayed as it is for too long.',
    'state',
  )
  const letters = labelledCounter(registry, 'tasker_dead_letters_opened_total', 'Dead letters opened.', 'reason')
  const resolved = labelledCounter(registry, 'tasker_dead_letters_resolved_total', 'Dead letters resolved.', 'status')
  const seconds = new Histogram({
    name: 'tasker_append_seconds',
    help: 'Time from an append to its acknowledgement.',
    buckets: SECONDS_BUCKETS,
    registers: [registry],
  })
  return {
    commitsAppended: (count, took) => {
      commits.add(count)
      batch.observe(count)
      seconds.observe(took)
    },
    appendFailed: (result) => failures.add(result),
    taskSubmitted: () => submitted.add(1),
    taskEnded: (end) => tasksEnded.add(end),
    taskBlocked: () => blocked.add(1),
    taskArchived: () => archived.add(1),
    taskWentStale: (state) => stale.add(state),
    deadLetterOpened: (reason) => letters.add(reason),
    deadLetterResolved: (status) => resolved.add(status),
    stepStarted: () => started.add(1),
    stepEnded: (outcome) => stepsEnded.add(outcome),
    stepRetryScheduled: () => retried.add(1),
    stepSkipped: () => skipped.add(1),
    stepReleased: () => released.add(1),
    stepCheckpointed: () => checkpointed.add(1),
    resultIgnored: () => ignored.add(1),
    keysGranted: (count) => granted.add(count),
  }
}

const httpMetrics = (registry: Registry): HttpMetrics => {
  const labelNames = ['method', 'route', 'status']
  const requests = new Counter({
    name: 'tasker_http_requests_total',
    help: 'Requests answered.',
    labelNames,
    registers: [registry],
  })
  const seconds = new Histogram({
    name: 'tasker_http_request_seconds',
    help: 'Time from a request to the end of its answer; long polls and live streams included.',
    labelNames: ['method', 'route'],
    buckets: SECONDS_BUCKETS,
    registers: [registry],
  })
  return {
    httpRequest: (method, route, status, took) => {
      requests.inc({ method, route, status })
      seconds.observe({ method, route }, took)
    },
  }
}

const LEVELS: readonly (readonly [name: string, help: string, of: Exclude<keyof EngineLevels, 'limits'>])[] = [
  ['tasker_pending_commits', 'Commits that wait for the log.', 'pendingCommits'],
  ['tasker_projection_lag_seconds', 'How far the rows are behind the log.', 'projectionLagSeconds'],
  ['tasker_workers', 'Workers that are connected or draining.', 'workers'],
  ['tasker_worker_slots', 'Slots those workers offer.', 'slots'],
  ['tasker_worker_slots_busy', 'Slots with an attempt in them.', 'slotsBusy'],
  ['tasker_ready_steps_waiting', 'Steps that wait for a worker.', 'readySteps'],
  ['tasker_key_steps_waiting', 'Steps that wait for a place of a key.', 'keyStepsWaiting'],
  ['tasker_key_places_held', 'Places of keys that are taken.', 'keyPlacesHeld'],
  ['tasker_quarantined_streams', 'Streams set aside because of a bug or an unknown event.', 'quarantinedStreams'],
  ['tasker_domain_event_lag_seconds', 'How long the oldest domain event waits for its transport.', 'domainEventLagSeconds'],
  ['tasker_archive_lag_seconds', 'How long the oldest task that is due to be archived has been.', 'archiveLagSeconds'],
  ['tasker_seal_waiting_seconds', 'How long the oldest commit waits for its seal.', 'sealWaitingSeconds'],
  ['tasker_seal_unpublished_seconds', 'How long the oldest seal waits to be published.', 'sealUnpublishedSeconds'],
  ['tasker_queues_unserved', 'Queues with steps that have waited, and no worker.', 'unservedQueues'],
  ['tasker_ready', '1 while the server is ready, else 0.', 'ready'],
  ['tasker_clock_offset_seconds', 'How far the clock is ahead of the clock of the database.', 'clockOffsetSeconds'],
]

const LIMIT_LEVELS = [
  ['tasker_limit_used', 'How much of a bound is used.', 'used'],
  ['tasker_limit_max', 'The bound.', 'max'],
] as const

const upkeepMetrics = (registry: Registry): UpkeepMetrics => {
  const differences = labelledCounter(
    registry,
    'tasker_projection_differences_total',
    'Rows found that are not what the log says.',
    'projection',
  )
  const rebuilt = labelledCounter(registry, 'tasker_projection_rebuilds_total', 'Rebuilds that took their place.', 'projection')
  const verified = plainCounter(registry, 'tasker_projection_verified_streams_total', 'Streams compared with their rows.')
  return {
    rowDiffers: (projection) => differences.add(projection),
    streamsVerified: (streams) => verified.add(streams),
    projectionRebuilt: (projection) => rebuilt.add(projection),
  }
}

const LAGS: readonly (readonly [name: string, help: string, of: 'commits' | 'seconds'])[] = [
  ['tasker_projection_partition_lag_commits', 'Commits of a partition that are not in the rows yet.', 'commits'],
  ['tasker_projection_partition_lag_seconds', 'Time since the oldest of them.', 'seconds'],
]

const lagGauges = (registry: Registry): Metrics['observeLags'] => {
  let read: (() => readonly ProjectionLag[]) | undefined
  for (const [name, help, of] of LAGS) {
    new Gauge({
      name,
      help,
      labelNames: ['projection', 'partition'],
      registers: [registry],
      collect() {
        this.reset()
        for (const lag of read?.() ?? []) this.set({ projection: lag.projection, partition: lag.partition }, lag[of])
      },
    })
  }
  return (lags) => {
    read = lags
  }
}

const levelGauges = (registry: Registry): Metrics['observeLevels'] => {
  let read: (() => EngineLevels) | undefined
  for (const [name, help, of] of LEVELS) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        if (read !== undefined) this.set(read()[of])
      },
    })
  }
  for (const [name, help, of] of LIMIT_LEVELS) {
    new Gauge({
      name,
      help,
      labelNames: ['limit'],
      registers: [registry],
      collect() {
        for (const level of read?.().limits ?? []) this.set({ limit: level.limit }, level[of])
      },
    })
  }
  return (levels) => {
    read = levels
  }
}

/** A plain number, copied into its Prometheus counter at each scrape. */
const plainCounter = (registry: Registry, name: string, help: string): { readonly add: (count: number) => void } => {
  let total = 0
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset()
      this.inc(total)
    },
  })
  return {
    add: (count) => {
      total += count
    },
  }
}

const labelledCounter = (registry: Registry, name: string, help: string, label: string) => {
  const totals = new Map<string, number>()
  new Counter({
    name,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset()
      for (const [value, total] of totals) this.inc({ [label]: value }, total)
    },
  })
  return {
    add: (value: string): void => {
      totals.set(value, (totals.get(value) ?? 0) + 1)
    },
  }
}
