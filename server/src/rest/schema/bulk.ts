/** The request and the answer of an order to many tasks. */
import { LIMITS } from '@tasker/core'
import { z } from 'zod'
import { BULK_ACTIONS } from '../../operators/bulk.js'
import { LISTING_LIMITS } from '../../query/query.js'
import { TASK_STATUSES } from '../../query/rows.js'
import { instantField, optional, plainText } from './fields.js'

const status = z.enum(TASK_STATUSES)

const FILTER = z.strictObject({
  namespace: optional(plainText()),
  name: optional(plainText()),
  version: optional(plainText()),
  status: optional(z.union([status, z.array(status).max(TASK_STATUSES.length)])),
  tag: optional(plainText()),
  initiator: optional(plainText()),
  correlation_id: optional(plainText()),
  created_after: optional(instantField),
  created_before: optional(instantField),
  updated_after: optional(instantField),
  updated_before: optional(instantField),
  q: optional(plainText(LISTING_LIMITS.textCharsMax)),
})

export const BULK = z.strictObject({
  action: z.enum(BULK_ACTIONS),
  filter: FILTER.describe(
    'As lists of tasks take it; at least one field. `retry` means blocked tasks unless `status` says others.',
  ),
  dry_run: optional(z.boolean()).describe('Tells which tasks would be given the order, and does nothing.'),
  reason: optional(plainText(LIMITS.failureMessageCharsMax)),
  limit: optional(z.number().int().min(1).max(LIMITS.pageItemsMax)).describe(
    `Tasks of one call; ${LIMITS.pageItemsDefault} when not given.`,
  ),
  cursor: optional(z.string().max(LIMITS.nameCharsMax)).describe('next_cursor of the call before.'),
})

export const BULK_REPORT = z.object({
  action: z.enum(BULK_ACTIONS),
  dry_run: z.boolean(),
  matched: z.number().int(),
  done: z.number().int(),
  refused: z.number().int(),
  failed: z.number().int(),
  tasks: z.array(
    z.object({
      task_id: z.string(),
      status: status.describe('As it was found.'),
      outcome: z.enum(['would', 'done', 'refused', 'failed']),
      code: z.string().optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
    }),
  ),
  next_cursor: z.string().nullable(),
})
