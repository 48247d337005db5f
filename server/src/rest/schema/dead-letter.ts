/** Requests and answers about dead letters. */
import { DEAD_LETTER_REASONS, DEAD_LETTER_STATUSES, type JsonText, LIMITS } from '@tasker/core'
import { z } from 'zod'
import { LISTING_LIMITS } from '../../query/query.js'
import { optional, plainText, repeatable, ulidField, wholeNumberText } from './fields.js'

/** `ManuallyResolved`, as the original writes it, means `manually_resolved`. */
const snakeCase = (text: string): string => text.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()

const word = <const Words extends readonly [string, ...string[]]>(words: Words) =>
  z
    .string()
    .max(LIMITS.nameCharsMax)
    .transform(snakeCase)
    .pipe(z.enum(words))
    .meta({ type: 'string', enum: [...words] })

/** The parser of bodies leaves this member as the text it was. */
const rawObject = z
  .custom<JsonText>((text) => typeof text === 'string' && text.startsWith('{'), { error: 'must be a JSON object' })
  .meta({ type: 'object', description: `Any JSON object of at most ${LIMITS.deadLetterMetadataBytesMax} bytes.` })

const notes = optional(plainText(LIMITS.deadLetterNotesCharsMax))

export const LETTER_ORDER = z.strictObject({
  task_id: ulidField,
  resolution_notes: notes.describe('Why a person should look at the task.'),
  by: optional(plainText()).describe('Who says so.'),
  metadata: optional(rawObject),
})

export const LETTER_UPDATE = z.strictObject({
  resolution_status: optional(word(DEAD_LETTER_STATUSES)).describe(
    'The words of the original, such as ManuallyResolved, are read too.',
  ),
  resolution_notes: notes,
  resolved_by: optional(plainText()),
  metadata: optional(rawObject),
})

export const LETTER_PATH = z.object({
  entry_id: z.string().describe("The id of the task and the entry's number, such as 01JD…-1."),
})

export const LETTER_LIST_QUERY = z.strictObject({
  resolution_status: repeatable(word(DEAD_LETTER_STATUSES), DEAD_LETTER_STATUSES.length).optional(),
  dlq_reason: word(DEAD_LETTER_REASONS).optional(),
  namespace: plainText().optional(),
  task_id: ulidField.optional(),
  limit: wholeNumberText(1, LIMITS.pageItemsMax).optional(),
  cursor: z.string().max(LIMITS.nameCharsMax).optional().describe('next_cursor of the page before.'),
  offset: wholeNumberText(0, LISTING_LIMITS.pageMax * LIMITS.pageItemsMax)
    .optional()
    .describe('Instead of a cursor.'),
  consistency_token: repeatable(z.string().max(LIMITS.nameCharsMax), LISTING_LIMITS.consistencyTokensMax).optional(),
})

export const NAMESPACE_QUERY = z.strictObject({ namespace: plainText().optional() })

export const RANKED_QUERY = z.strictObject({
  namespace: plainText().optional(),
  limit: wholeNumberText(1, LIMITS.pageItemsMax).optional(),
})

export const DEAD_LETTER = z.object({
  entry_id: z.string(),
  task_id: z.string(),
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  original_state: z.string().describe('The status of the task when the entry was opened.'),
  dlq_reason: z.enum(DEAD_LETTER_REASONS),
  step_id: z.string().nullable(),
  dlq_timestamp: z.iso.datetime(),
  resolution_status: z.enum(DEAD_LETTER_STATUSES),
  resolution_timestamp: z.iso.datetime().nullable(),
  resolution_notes: z.string().nullable(),
  resolved_by: z.string().nullable().describe('engine when the progress of the task resolved it.'),
  metadata: z.looseObject({}).nullable(),
  task_snapshot: z.looseObject({}),
})

export const DEAD_LETTER_UPDATED = DEAD_LETTER.extend({ success: z.literal(true), message: z.string() })
export const DEAD_LETTER_LIST = z.object({ entries: z.array(DEAD_LETTER), next_cursor: z.string().nullable() })

export const DEAD_LETTER_STATS = z.object({
  stats: z.array(
    z.object({
      dlq_reason: z.enum(DEAD_LETTER_REASONS),
      total_entries: z.number().int(),
      pending: z.number().int(),
      manually_resolved: z.number().int(),
      permanently_failed: z.number().int(),
      cancelled: z.number().int(),
      oldest_entry: z.iso.datetime(),
      newest_entry: z.iso.datetime(),
      avg_resolution_time_minutes: z.number().nullable(),
    }),
  ),
})

export const INVESTIGATION_QUEUE = z.object({
  entries: z.array(DEAD_LETTER.extend({ minutes_in_dlq: z.number(), priority_score: z.number() })),
})

export const STALENESS_LIST = z.object({
  tasks: z.array(
    z.object({
      task_id: z.string(),
      namespace: z.string(),
      name: z.string(),
      version: z.string(),
      status: z.string(),
      watched_state: z.string().nullable().describe('Null where nothing of the task is watched now.'),
      step_id: z.string().nullable(),
      since: z.iso.datetime(),
      time_in_state_minutes: z.number(),
      staleness_threshold_minutes: z.number().nullable(),
      percent_of_threshold: z.number(),
      health_status: z.enum(['healthy', 'warning', 'stale']),
      task_age_minutes: z.number(),
      priority: z.number().int(),
    }),
  ),
})
