/** What the command line reads of the server's answers: the fields it prints, and no more, so that answers may grow. */
import { z } from 'zod'

const failure = z.looseObject({
  message: z.string(),
  error_type: z.string().optional(),
  code: z.string().nullish(),
})

const stepAnswer = z.looseObject({
  step_id: z.string(),
  status: z.string(),
  attempts: z.number().default(0),
  last_failure: failure.nullish(),
  next_retry_at: z.string().nullish(),
  worker_id: z.string().nullish(),
  waiting_for_key: z.looseObject({ kind: z.string(), key: z.string(), limit: z.number() }).nullish(),
  key_line: z.looseObject({ held: z.number(), ahead: z.number().nullish() }).nullish(),
})

const asOf = z.looseObject({ version: z.number(), at: z.string() })
export type AsOfAnswer = z.output<typeof asOf>

export const taskAnswer = z.looseObject({
  task_id: z.string(),
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  status: z.string(),
  created_at: z.string(),
  updated_at: z.string().optional(),
  ended_at: z.string().nullish(),
  /** Version of the last event. */
  stream_version: z.number().optional(),
  tags: z.array(z.string()).default([]),
  steps: z.array(stepAnswer).default([]),
  parent: z.looseObject({ task_id: z.string(), key: z.string() }).nullish(),
  children: z.array(z.looseObject({ task_id: z.string(), key: z.string(), name: z.string(), outcome: z.string() })).default([]),
  /** The moment that was asked for. */
  as_of: asOf.optional(),
})
export type TaskAnswer = z.output<typeof taskAnswer>

export const taskList = z.looseObject({ tasks: z.array(taskAnswer), next_cursor: z.string().nullish() })

export const eventAnswer = z.looseObject({
  version: z.number(),
  type: z.string(),
  at: z.string(),
  actor: z.string().nullish(),
  data: z.record(z.string(), z.unknown()).default({}),
})
export type EventAnswer = z.output<typeof eventAnswer>

export const eventList = z.looseObject({ events: z.array(eventAnswer), next_cursor: z.string().nullish() })

/** The outcome of a task, or its status while there is none. */
export const resultAnswer = z.looseObject({
  task_id: z.string(),
  status: z.string(),
  result: z.unknown(),
  reason: z.string().nullish(),
  failure: z.looseObject({ code: z.string(), message: z.string() }).nullish(),
  blocked_steps: z.array(z.looseObject({ step_id: z.string(), failure })).default([]),
})
export type ResultAnswer = z.output<typeof resultAnswer>

/** A task below another. */
const descendant = z.looseObject({
  task_id: z.string(),
  parent_task_id: z.string(),
  key: z.string(),
  name: z.string(),
  status: z.string().nullable(),
})
export type DescendantAnswer = z.output<typeof descendant>

export const graphAnswer = z.looseObject({
  children: z.array(descendant).default([]),
  nodes: z.array(z.looseObject({ id: z.string(), status: z.string().optional() })),
  edges: z.array(z.looseObject({ from: z.string(), to: z.string() })),
  as_of: asOf.optional(),
})
export type GraphAnswer = z.output<typeof graphAnswer>

const stand = z.looseObject({
  status: z.string(),
  attempts: z.number(),
  output: z.looseObject({ text: z.string(), cut_from: z.number().nullable() }).nullish(),
})

const replayFrame = z.looseObject({
  version: z.number(),
  at: z.string(),
  type: z.string(),
  actor: z.string(),
  status_before: z.string().nullable(),
  status: z.string(),
  changes: z.array(z.looseObject({ step_id: z.string(), from: stand.nullable(), to: stand })),
})
export type ReplayFrameAnswer = z.output<typeof replayFrame>

export const replayPage = z.looseObject({ frames: z.array(replayFrame), next_cursor: z.string().nullish() })

const sides = <Value extends z.ZodType>(value: Value) => z.looseObject({ a: value, b: value })
const shown = z.looseObject({ text: z.string(), cut_from: z.number().nullable() }).nullable()
const changesAnswer = z.array(z.looseObject({ path: z.string(), before: shown, after: shown }))
const mark = z.looseObject({ version: z.number(), type: z.string(), said: z.string() }).nullable()
export type ChangesAnswer = z.output<typeof changesAnswer>

export const diffAnswer = z.looseObject({
  same: z.boolean(),
  template: sides(z.string()),
  same_template: z.boolean(),
  status: sides(z.string()),
  duration_ms: sides(z.number()),
  first_divergence: z.looseObject({ step_id: z.string().nullable(), number: z.number(), a: mark, b: mark }).nullable(),
  context: changesAnswer,
  result: changesAnswer,
  only_in: sides(z.array(z.string())),
  steps: z.array(
    z.looseObject({
      step_id: z.string(),
      differs: z.boolean(),
      status: sides(z.string()),
      attempts: sides(z.number()),
      failure: sides(z.string().nullable()),
      output: changesAnswer,
      same_input_other_output: z.boolean(),
      waiting_ms: sides(z.number()),
      running_ms: sides(z.number()),
    }),
  ),
  cut: z.boolean(),
})
export type DiffAnswer = z.output<typeof diffAnswer>

const waitAnswer = z.looseObject({
  reason: z.string(),
  why: z.string(),
  unblocked_by: z.string(),
  commands: z.array(z.string()).default([]),
})

export const explanationAnswer = z.looseObject({
  children: z.array(descendant).default([]),
  status: z.string(),
  as_of: asOf.optional(),
  reasons: z.array(waitAnswer).default([]),
  steps: z.array(
    waitAnswer.extend({
      step_id: z.string(),
      status: z.string(),
      chain: z.array(z.looseObject({ step_id: z.string(), status: z.string(), why: z.string() })).default([]),
      chain_cut: z.boolean().default(false),
    }),
  ),
})
export type ExplanationAnswer = z.output<typeof explanationAnswer>

export const templateAnswer = z.looseObject({
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  hash: z.string().optional(),
  /** What a registration did. */
  outcome: z.string().optional(),
  warnings: z.array(z.looseObject({ code: z.string(), message: z.string(), path: z.string() })).default([]),
  /** The document as registered. */
  content: z.string().optional(),
  step_count: z.number().optional(),
  registered_at: z.string().optional(),
})
export type TemplateAnswer = z.output<typeof templateAnswer>

export const templateList = z.looseObject({ templates: z.array(templateAnswer), next_cursor: z.string().nullish() })

export const workerList = z.looseObject({
  workers: z.array(
    z.looseObject({
      worker_id: z.string(),
      namespace: z.string(),
      state: z.string(),
      slots: z.number(),
      busy: z.number(),
      handlers: z.array(z.string()).default([]),
      host: z.string().default(''),
      sdk: z.string().default(''),
    }),
  ),
})

export const queueList = z.looseObject({
  queues: z.array(
    z.looseObject({
      namespace: z.string(),
      handler: z.string(),
      waiting: z.number(),
      workers: z.number(),
      unserved_since: z.string().nullish(),
    }),
  ),
})

export const healthAnswer = z.looseObject({
  status: z.string(),
  problems: z.array(z.string()).default([]),
  quarantined: z.array(z.looseObject({ task_id: z.string(), position: z.string(), message: z.string() })).default([]),
  projection_differences: z.array(z.looseObject({ projection: z.string(), rows: z.number(), first: z.string() })).default([]),
  domain_events: z.looseObject({ lag_ms: z.number(), problem: z.string().nullable() }).default({ lag_ms: 0, problem: null }),
  retention: z.looseObject({ lag_ms: z.number(), problem: z.string().nullable() }).default({ lag_ms: 0, problem: null }),
})
export type HealthAnswer = z.output<typeof healthAnswer>

export const deadLetter = z.looseObject({
  entry_id: z.string(),
  task_id: z.string(),
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  original_state: z.string(),
  dlq_reason: z.string(),
  step_id: z.string().nullish(),
  dlq_timestamp: z.string(),
  resolution_status: z.string(),
  resolution_timestamp: z.string().nullish(),
  resolution_notes: z.string().nullish(),
  resolved_by: z.string().nullish(),
})
export type DeadLetterAnswer = z.output<typeof deadLetter>

export const deadLetterList = z.looseObject({ entries: z.array(deadLetter), next_cursor: z.string().nullish() })

export const deadLetterStats = z.looseObject({
  stats: z.array(
    z.looseObject({
      dlq_reason: z.string(),
      total_entries: z.number(),
      pending: z.number(),
      manually_resolved: z.number(),
      permanently_failed: z.number(),
      cancelled: z.number(),
      avg_resolution_time_minutes: z.number().nullish(),
    }),
  ),
})

export const stalenessList = z.looseObject({
  tasks: z.array(
    z.looseObject({
      task_id: z.string(),
      namespace: z.string(),
      name: z.string(),
      status: z.string(),
      time_in_state_minutes: z.number(),
      staleness_threshold_minutes: z.number().nullish(),
      health_status: z.string(),
    }),
  ),
})

export const bulkAnswer = z.looseObject({
  refused: z.number(),
  failed: z.number(),
  tasks: z.array(z.looseObject({ task_id: z.string(), status: z.string(), outcome: z.string(), message: z.string().nullish() })),
  next_cursor: z.string().nullish(),
})

export const stepByHand = z.looseObject({ step_id: z.string(), status: z.string() })

export const stepAudit = z.looseObject({
  entries: z.array(
    z.looseObject({
      event: z.string(),
      recorded_at: z.string(),
      actor: z.string(),
      from_state: z.string().nullish(),
      to_state: z.string(),
      failure: failure.nullish(),
      reason: z.string().nullish(),
      by: z.string().nullish(),
    }),
  ),
  next_cursor: z.string().nullish(),
})
