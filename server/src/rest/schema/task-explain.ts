/** The shapes of what explains a task. */
import { WAIT_REASONS } from '@tasker/core'
import { z } from 'zod'
import { TASK_STATUSES } from '../../query/rows.js'

export const EXPLANATION = z.object({
  task_id: z.string(),
  status: z.enum(TASK_STATUSES),
  steps: z.array(
    z.object({
      step_id: z.string(),
      status: z.string(),
      reason: z.enum(WAIT_REASONS).describe('What it waits for, for programs.'),
      why: z.string(),
      unblocked_by: z.string(),
      waits_for: z.array(z.string()),
    }),
  ),
})

export const COMPENSATION = z.object({
  task_id: z.string(),
  state: z.enum(['not_started', 'running', 'failed', 'done']),
  steps: z
    .array(
      z.object({
        step_id: z.string(),
        handler: z.string(),
        state: z.enum(['to_do', 'open', 'failed', 'done']),
        after: z.array(z.string()).describe('The steps that are taken back before this one.'),
      }),
    )
    .describe('In the order in which they are taken back.'),
  without_way_back: z.array(z.string()).describe('Complete steps that stay as they are.'),
})
