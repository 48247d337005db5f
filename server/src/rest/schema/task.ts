/** Requests and answers about tasks. The document at `/openapi.json` is made of these schemas. */
import { LIMITS, type JsonText } from '@tasker/core'
import { z } from 'zod'
import { LISTING_LIMITS } from '../../query/query.js'
import { TASK_STATUSES } from '../../query/rows.js'
import { instantField, instantInAddress, optional, plainText, repeatable, ulidField, wholeNumberText } from './fields.js'

/** The parser of bodies leaves this member as the text it was. */
const rawObject = z
  .custom<JsonText>((text) => typeof text === 'string' && text.startsWith('{'), { error: 'must be a JSON object' })
  .meta({ type: 'object', description: `Any JSON object of at most ${LIMITS.contextBytesMax} bytes, kept byte for byte.` })

const rawSignal = z
  .custom<JsonText>((text) => typeof text === 'string' && text.startsWith('{'), { error: 'must be a JSON object' })
  .meta({ type: 'object' })

/** A whole body that the parser leaves as the text it was; null when there is none. */
export const SIGNAL_PAYLOAD = z
  .custom<JsonText | null | undefined>((text) => typeof text === 'string' || text === undefined || text === null)
  .meta({ description: `Any JSON of at most ${LIMITS.signalBytesMax} bytes, kept byte for byte; null when not given.` })
export const SIGNAL_PATH = z.object({ task_id: z.string().describe('A ULID.'), name: plainText() })
export const SIGNAL_HEADERS = z.object({
  'tasker-request-id': plainText().optional().describe('Made before the first try; a repeat with it is the same signal.'),
})
export const SIGNALLED = z.object({ task_id: z.string(), name: z.string() })

export const UPDATE_HEADERS = z.object({
  'tasker-request-id': plainText().optional().describe('Made before the first try; a repeat with it is the same update.'),
})
export const UPDATE_QUERY = z.strictObject({
  wait_seconds: z.coerce
    .number()
    .min(0)
    .max(LIMITS.resultWaitMsMax / 1_000)
    .default(20),
})
export const UPDATED = z.object({
  task_id: z.string(),
  name: z.string(),
  request_id: z.string(),
  outcome: z.enum(['succeeded', 'failed', 'pending']),
  result: z.unknown(),
  failure: z.unknown().describe('What the function threw, or null.'),
})

export const STATE_PATH = z.object({ task_id: z.string().describe('A ULID.'), key: z.string() })
export const TASK_STATE = z.object({ task_id: z.string(), state: z.record(z.string(), z.unknown()) })
export const TASK_STATE_VALUE = z.object({ task_id: z.string(), key: z.string(), value: z.unknown() })

export const SUBMISSION = z.strictObject({
  namespace: plainText(),
  name: plainText(),
  version: optional(plainText(LIMITS.versionCharsMax)).describe('The latest when not given.'),
  context: rawObject,
  request_id: optional(ulidField).describe('A ULID made before the first try; a repeat with the same one gives the same task.'),
  initiator: optional(plainText()),
  source_system: optional(plainText()),
  reason: optional(plainText(LIMITS.reasonCharsMax)),
  tags: optional(z.array(plainText()).max(LIMITS.tagsMax)),
  priority: optional(z.number().int().min(-LIMITS.priorityMax).max(LIMITS.priorityMax)).describe(
    "The template's when not given.",
  ),
  correlation_id: optional(plainText()),
  parent_correlation_id: optional(plainText()),
  idempotency_key: optional(plainText()),
  run_at: optional(instantField).describe('Nothing starts before this instant.'),
  signal: optional(rawSignal).describe(
    'For the task of a durable function, whether this starts it or it is there: `{name, payload}`. A repeat with the same request id is the same signal.',
  ),
  delay_ms: optional(z.number().int().min(0).max(LIMITS.delayMsMax)).describe(
    'Nothing starts before so long has passed; not with run_at.',
  ),
  on_duplicate: optional(z.enum(['reject', 'return'])).describe('What a task with the same key means; reject when not given.'),
})

export const CANCELLATION = z.strictObject({ reason: optional(plainText(LIMITS.failureMessageCharsMax)) }).nullish()

/** What an operator says with an order to a task. */
export const ORDER = z
  .strictObject({
    reason: optional(plainText(LIMITS.failureMessageCharsMax)),
    by: optional(plainText()).describe('Who gives it, where that is not the caller.'),
  })
  .nullish()

export const TASK_PATH = z.object({ task_id: z.string().describe('A ULID.') })
export const STEP_PATH = z.object({ task_id: z.string(), step_id: z.string().describe("The step's name.") })

export const TASK_LIST_QUERY = z.strictObject({
  namespace: plainText().optional(),
  name: plainText().optional(),
  version: plainText().optional(),
  status: repeatable(z.enum(TASK_STATUSES), TASK_STATUSES.length).optional(),
  tag: plainText().optional(),
  initiator: plainText().optional(),
  correlation_id: plainText().optional(),
  created_after: instantField.optional().describe('Created at this instant or later.'),
  created_before: instantField.optional(),
  updated_after: instantField.optional().describe('Changed at this instant or later.'),
  updated_before: instantField.optional(),
  q: plainText(LISTING_LIMITS.textCharsMax)
    .optional()
    .describe('Found anywhere in id, name, initiator, source system, reason, correlation id or tags, in either case.'),
  sort: z.enum(['created_at', 'updated_at']).default('created_at'),
  order: z.enum(['asc', 'desc']).default('desc'),
  limit: wholeNumberText(1, LIMITS.pageItemsMax).optional(),
  cursor: z.string().max(LIMITS.nameCharsMax).optional().describe('next_cursor of the page before.'),
  page: wholeNumberText(1, LISTING_LIMITS.pageMax).optional().describe('Instead of a cursor, from 1.'),
  per_page: wholeNumberText(1, LIMITS.pageItemsMax).optional().describe('Another word for limit.'),
  consistency_token: repeatable(z.string().max(LIMITS.nameCharsMax), LISTING_LIMITS.consistencyTokensMax)
    .optional()
    .describe('Tasker-Consistency-Token of earlier writes that the list must show.'),
})

export const RESULT_QUERY = z.strictObject({
  wait_seconds: z.coerce
    .number()
    .min(0)
    .max(LIMITS.resultWaitMsMax / 1_000)
    .default(0),
})

export const EVENTS_QUERY = z.strictObject({
  after_version: wholeNumberText(0, Number.MAX_SAFE_INTEGER).optional().describe('Events above this version; 0 for all.'),
  limit: wholeNumberText(1, LIMITS.pageItemsMax).default(LIMITS.pageItemsDefault),
  cursor: wholeNumberText(0, Number.MAX_SAFE_INTEGER).optional().describe('next_cursor of the page before.'),
})

const MOMENT = {
  at_version: wholeNumberText(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('As the task was after the event with this version.'),
  at_time: instantInAddress
    .optional()
    .describe('As the task was after the last event up to this instant: RFC 3339, or milliseconds since 1970.'),
}
export const MOMENT_QUERY = z.strictObject(MOMENT)
export const STEPS_QUERY = z.strictObject({
  ...MOMENT,
  limit: wholeNumberText(1, LIMITS.pageItemsMax).optional().describe('All of them when not given.'),
  cursor: wholeNumberText(0, LIMITS.taskStepsMax).optional().describe('next_cursor of the page before.'),
})
export const GRAPH_QUERY = z.strictObject({ format: z.enum(['json', 'mermaid']).optional(), ...MOMENT })

const instantText = z.iso.datetime()
const text = z.string().nullable()
const payload = z.unknown().describe('Any JSON, byte for byte as received.')

export const FAILURE = z.object({
  message: z.string(),
  error_type: z.string(),
  code: z.string().optional(),
  retryable: z.boolean(),
  retry_after_ms: z.number().optional(),
  stack: z.string().optional(),
})

const STEP_ROW = z.looseObject({
  step_id: z.string(),
  status: z.enum([
    'pending',
    'enqueued',
    'in_progress',
    'waiting_for_retry',
    'complete',
    'error',
    'cancelled',
    'skipped',
    'resolved_manually',
    'compensated',
  ]),
  attempts: z.number().int(),
  attempts_since_reset: z.number().int(),
  started_at: instantText.optional(),
  ended_at: instantText.optional(),
  next_retry_at: instantText.optional(),
  last_failure: FAILURE.optional().describe('Of the latest attempt that failed, also when a later one succeeded.'),
  compensating: z.boolean().optional().describe('True when its attempts are those of its way back.'),
  worker_id: z.string().optional().describe('Who runs it, or ran it last.'),
  waiting_for_key: z
    .object({
      kind: z.enum(['concurrency', 'rate']),
      key: z.string(),
      limit: z.number().int(),
      per_ms: z.number().int().optional(),
    })
    .optional()
    .describe('The key that a ready step waits for a place of.'),
})

export const STEP = STEP_ROW.extend({
  type: z.string(),
  handler: z.string(),
  dependencies: z.array(z.string()),
  max_attempts: z.number().int(),
  timeout_ms: z.number().int(),
  dependencies_satisfied: z.boolean(),
  retry_eligible: z.boolean().describe('Its policy leaves it another attempt, the one that runs not counted.'),
  ready_for_execution: z.boolean().describe('A worker with a free slot may take it now.'),
  total_parents: z.number().int(),
  completed_parents: z.number().int(),
  last_failure_at: instantText.nullable(),
  last_attempted_at: instantText.nullable(),
  last_failure_stack: text,
  batch: z
    .object({ id: z.string(), start: payload, end: payload, size: z.number().int(), is_no_op: z.boolean() })
    .nullable()
    .describe('The range of a worker of a batch.'),
  checkpoint: z
    .object({
      attempt: z.number().int(),
      number: z.number().int(),
      cursor: payload,
      items_processed: z.number().int(),
      accumulated: payload,
    })
    .nullable()
    .describe('What attempts of an unfinished step saved last.'),
  key_line: z
    .object({ held: z.number().int(), ahead: z.number().int().nullable() })
    .optional()
    .describe('Of the key it waits for: the places that are taken, and how many steps go before it.'),
  output: payload,
})

export const AS_OF = z
  .object({ version: z.number().int(), at: instantText })
  .optional()
  .describe('The last event that had happened at the moment that was asked for.')

const TASK_ROW = z.object({
  task_id: z.string(),
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  status: z.enum(TASK_STATUSES),
  priority: z.number().int(),
  tags: z.array(z.string()),
  initiator: text,
  source_system: text,
  reason: text,
  correlation_id: z.string(),
  created_at: instantText,
  updated_at: instantText,
  ended_at: instantText.nullable(),
  stream_version: z.number().int().describe('Version of the last event.'),
  steps: z.array(STEP_ROW),
})

const TASK_HEAD = TASK_ROW.extend({
  parent_correlation_id: text,
  idempotency_key: text,
  template_hash: z.string(),
  environment: text.describe('Whose overrides the template had when the task was submitted.'),
  run_at: instantText.nullable(),
  parent: z
    .object({
      task_id: z.string(),
      of: z.enum(['function', 'step']),
      key: z.string().describe('Of the operation of a function, or the name of the step.'),
      round: z.number().int().describe('The life of the function, or the attempt of the step.'),
      on_parent_close: z.enum(['cancel', 'abandon']),
      depth: z.number().int(),
    })
    .nullable()
    .describe('The task that began this one.'),
  children: z
    .array(
      z.object({
        task_id: z.string(),
        of: z.enum(['function', 'step']),
        step_id: z.string(),
        key: z.string(),
        name: z.string(),
        outcome: z.enum(['open', 'succeeded', 'failed', 'cancelled']).describe('How it ended for this task.'),
      }),
    )
    .describe('The tasks that this one began: in this life of a function, or last for each step.'),
  cancel_reason: text,
  pause_reason: text,
  resolve_reason: text,
  total_steps: z.number().int(),
  pending_steps: z.number().int().describe('Wait for others, or for a retry.'),
  in_progress_steps: z.number().int(),
  completed_steps: z.number().int(),
  failed_steps: z.number().int(),
  ready_steps: z.number().int().describe('Wait for a worker.'),
  completion_percentage: z.number(),
  execution_status: z.enum(['has_ready_steps', 'processing', 'blocked_by_failures', 'all_complete', 'waiting_for_dependencies']),
  recommended_action: z
    .enum(['execute_ready_steps', 'wait_for_completion', 'handle_failures', 'wait_for_dependencies'])
    .nullable()
    .describe('null once the task has ended.'),
  health_status: z.enum(['healthy', 'recovering', 'blocked']),
})

export const TASK = TASK_HEAD.extend({ context: payload, result: payload, steps: z.array(STEP), as_of: AS_OF })
export const TASK_SUMMARY = TASK_HEAD.extend({
  step_counts: z.record(z.string(), z.number().int()),
  not_taken: z.array(z.string()).describe('Steps that no decision chose.'),
})
export const TASK_LIST = z.object({ tasks: z.array(TASK_ROW), next_cursor: text })
export const STEP_LIST = z.object({ steps: z.array(STEP), next_cursor: text, as_of: AS_OF })

export const OUTCOME = z.object({
  task_id: z.string(),
  status: z.enum(TASK_STATUSES),
  result: payload,
  reason: text.describe('Why it was cancelled.'),
  failure: z.object({ code: z.string(), message: z.string() }).nullable().describe('How the task failed as a whole.'),
  blocked_steps: z.array(z.object({ step_id: z.string(), failure: FAILURE })),
})

const EVENT = z.object({
  id: z.string(),
  task_id: z.string(),
  version: z.number().int(),
  type: z.string(),
  at: instantText,
  actor: z.string(),
  command: z.string(),
  request_id: text,
  data: z.record(z.string(), z.unknown()),
})

export const EVENT_LIST = z.object({ events: z.array(EVENT), next_cursor: text })

const GRAPH_PARTS = {
  nodes: z.array(
    z.object({
      id: z.string(),
      type: z.string(),
      handler: z.string(),
      status: z.string().optional(),
      attempts: z.number().int().optional(),
    }),
  ),
  edges: z.array(z.object({ from: z.string(), to: z.string() })),
}

export const GRAPH = z.object({
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  ...GRAPH_PARTS,
  children: z
    .array(
      z.object({
        task_id: z.string(),
        parent_task_id: z.string(),
        parent_step_id: z.string().describe('The step that began it; `run` of a durable function.'),
        key: z.string(),
        name: z.string(),
        status: text.describe('null where the task is not known: it has not begun yet, or is archived; and as of a moment.'),
        ...GRAPH_PARTS,
      }),
    )
    .describe('The tasks that the task began, and those that they began; parents before their children.'),
  children_cut: z.boolean().describe('There are more.'),
  as_of: AS_OF,
})
