/** The shapes of replays and comparisons. */
import { z } from 'zod'
import { LIMITS } from '@tasker/core'
import { wholeNumberText } from './fields.js'
import { TASK_STATUSES } from '../../query/rows.js'

const shown = z
  .object({ text: z.string(), cut_from: z.number().int().nullable() })
  .nullable()
  .describe('A value as JSON text; its beginning, and the characters of all of it, where it is long.')

export const REPLAY_QUERY = z.strictObject({
  after_version: wholeNumberText(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Frames of events above this version; 0 for all.'),
  limit: wholeNumberText(1, LIMITS.pageItemsMax).default(LIMITS.pageItemsDefault),
  cursor: wholeNumberText(0, Number.MAX_SAFE_INTEGER).optional().describe('next_cursor of the page before.'),
})

const STAND = z.object({ status: z.string(), attempts: z.number().int(), output: shown })

export const REPLAY = z.object({
  frames: z.array(
    z.object({
      version: z.number().int(),
      at: z.iso.datetime(),
      type: z.string(),
      actor: z.string(),
      status_before: z.enum(TASK_STATUSES).nullable(),
      status: z.enum(TASK_STATUSES).describe('Of the task after the event.'),
      changes: z.array(z.object({ step_id: z.string(), from: STAND.nullable(), to: STAND })),
    }),
  ),
  next_cursor: z.string().nullable(),
  stream_version: z.number().int(),
})

export const DIFF_QUERY = z.strictObject({
  other: z.string().describe('The id of the other task, b; the task in the path is a.'),
})

const sides = <Value extends z.ZodType>(value: Value) => z.object({ a: value, b: value })
const CHANGES = z.array(z.object({ path: z.string().describe('A JSON Pointer.'), before: shown, after: shown }))
const MARK = z
  .object({
    version: z.number().int(),
    type: z.string(),
    said: z.string().describe('What the event says, without what differs in any run.'),
  })
  .nullable()

export const DIFF = z.object({
  task_id: z.string(),
  other_task_id: z.string(),
  same: z.boolean().describe('Nothing differs but times, ids and workers.'),
  template: sides(z.string()),
  same_template: z.boolean(),
  status: sides(z.enum(TASK_STATUSES)),
  submitted_at: sides(z.iso.datetime()),
  duration_ms: sides(z.number().int()),
  first_divergence: z
    .object({
      step_id: z.string().nullable().describe('null when it is about the task as a whole.'),
      number: z.number().int().describe('Which of its comparable events, from 1.'),
      a: MARK,
      b: MARK,
    })
    .nullable(),
  context: CHANGES,
  result: CHANGES,
  only_in: sides(z.array(z.string())),
  steps: z.array(
    z.object({
      step_id: z.string(),
      differs: z.boolean().describe('In more than its times.'),
      status: sides(z.string()),
      attempts: sides(z.number().int()),
      failure: sides(z.string().nullable()),
      output: CHANGES,
      same_input_other_output: z.boolean(),
      waiting_ms: sides(z.number().int()),
      running_ms: sides(z.number().int()),
    }),
  ),
  cut: z.boolean().describe('Something beyond the limits is left out.'),
})
