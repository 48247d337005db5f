/** Answers about the server itself: workers, queues, health. */
import { z } from 'zod'

export const WORKER_LIST = z.object({
  workers: z.array(
    z.object({
      worker_id: z.string(),
      namespace: z.string(),
      handlers: z.array(z.string()),
      slots: z.number().int(),
      busy: z.number().int(),
      state: z.enum(['connected', 'draining', 'disconnected']),
      host: z.string(),
      sdk: z.string(),
      code_version: z.string(),
      connected_at: z.iso.datetime(),
    }),
  ),
})

export const QUEUE_LIST = z.object({
  queues: z.array(
    z.object({
      namespace: z.string(),
      handler: z.string(),
      waiting: z.number().int(),
      workers: z.number().int(),
      unserved_since: z.iso.datetime().nullable().describe('Since when no worker has offered it, once that is reported.'),
    }),
  ),
})

export const HEALTH = z.object({
  status: z.enum(['ok', 'degraded']),
  version: z.string(),
  problems: z.array(z.string()),
})

export const DETAILED_HEALTH = HEALTH.extend({
  ready: z.boolean(),
  started_at: z.iso.datetime(),
  uptime_seconds: z.number(),
  partitions: z.number().int(),
  pending_commits: z.number().int(),
  projection_lag_ms: z.number(),
  domain_events: z.object({ lag_ms: z.number(), problem: z.string().nullable() }),
  seals: z
    .object({ waiting_ms: z.number(), unpublished_ms: z.number(), problem: z.string().nullable() })
    .nullable()
    .describe('How far seals are behind; null when none are made.'),
  workers: z.number().int(),
  unserved_queues: z.array(
    z.object({ namespace: z.string(), handler: z.string(), waiting: z.number().int(), since: z.iso.datetime() }),
  ),
  quarantined: z.array(z.object({ task_id: z.string(), position: z.string(), message: z.string() })),
})

export const CONFIG = z.record(z.string(), z.unknown())
