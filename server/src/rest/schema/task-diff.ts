/** The shapes of a comparison of two tasks. */
import { z } from 'zod'
import { TASK_STATUSES } from '../../query/rows.js'

const both = <Value extends z.ZodType>(value: Value) => z.object({ a: value, b: value })
const changes = z.array(
  z.object({
    path: z.string().describe('A JSON Pointer; empty for the value itself.'),
    a: z.string().nullable().describe('JSON text, null where nothing is there.'),
    b: z.string().nullable(),
  }),
)
const laneEvent = z.object({ version: z.number().int(), type: z.string(), data: z.string() }).nullable()
const millis = z.number().nullable()

export const DIFF_QUERY = z.strictObject({ other: z.string().describe('The id of the task to compare with.') })

export const TASK_DIFF = z.object({
  a: z.string(),
  b: z.string(),
  same: z.boolean().describe('Nothing but ids, times and workers differs.'),
  first_divergence: z
    .object({ step_id: z.string().nullable().describe('Null for the task as a whole.'), a: laneEvent, b: laneEvent })
    .nullable(),
  status: both(z.enum(TASK_STATUSES)).nullable(),
  template: both(z.string()).nullable(),
  input: changes,
  only_in_a: z.array(z.string()),
  only_in_b: z.array(z.string()),
  steps: z.array(
    z.object({
      step_id: z.string(),
      status: both(z.string()).nullable(),
      attempts: both(z.number().int()).nullable(),
      failure: both(z.string().nullable()).nullable(),
      output: changes,
    }),
  ),
  took_ms: both(millis),
  times: z.array(
    z.object({
      step_id: z.string(),
      started_after_ms: both(millis).describe('From the start of the task to the first attempt.'),
      took_ms: both(millis).describe('From the first attempt to the end.'),
    }),
  ),
  is_cut: z.boolean().describe('Something was left out: the limits of a diff stand in the contract.'),
})
