/** Requests and answers about single steps. */
import { type JsonText, LIMITS } from '@tasker/core'
import { z } from 'zod'
import { optional, plainText, wholeNumberText } from './fields.js'
import { FAILURE } from './task.js'

/** The parser of bodies leaves this member as the text it was. */
const completionData = z
  .custom<JsonText>((text) => typeof text === 'string' && text.startsWith('{'), { error: 'must be a JSON object' })
  .meta({
    type: 'object',
    description: `\`result\` becomes the result of the step (null when not given), \`metadata\` is kept in the event; each at most ${LIMITS.resultBytesMax} bytes.`,
  })

const reason = optional(plainText(LIMITS.failureMessageCharsMax))
const by = optional(plainText()).describe('Who does it, where that is not the caller.')

export const STEP_ACTION = z.discriminatedUnion('action_type', [
  z.strictObject({ action_type: z.literal('reset_for_retry'), reason, reset_by: by }),
  z.strictObject({ action_type: z.literal('resolve_manually'), reason, resolved_by: by }),
  z.strictObject({
    action_type: z.literal('complete_manually'),
    reason,
    completed_by: by,
    completion_data: optional(completionData),
  }),
])

export const AUDIT_QUERY = z.strictObject({
  limit: wholeNumberText(1, LIMITS.pageItemsMax).default(LIMITS.pageItemsDefault),
  cursor: wholeNumberText(0, Number.MAX_SAFE_INTEGER).optional().describe('next_cursor of the page before.'),
})

const text = z.string().nullable()

const AUDIT_ENTRY = z.object({
  audit_id: z.string(),
  task_id: z.string(),
  step_id: z.string(),
  version: z.number().int().describe('Version of the event in the task.'),
  event: z.string(),
  recorded_at: z.iso.datetime(),
  actor: z.string(),
  worker_id: text,
  correlation_id: z.string(),
  from_state: text,
  to_state: z.string(),
  attempt: z.number().int().nullable(),
  success: z.boolean().nullable().describe('Null where neither an attempt nor the step ended.'),
  execution_time_ms: z.number().int().nullable(),
  result: z.unknown(),
  failure: FAILURE.nullable(),
  reason: text,
  by: text,
  metadata: z.unknown(),
})

export const STEP_AUDIT = z.object({ entries: z.array(AUDIT_ENTRY), next_cursor: text })
