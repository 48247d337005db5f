/** The shapes of what explains a task. */
import { LIMITS, WAIT_REASONS } from '@tasker/core'
import { z } from 'zod'
import { TASK_STATUSES } from '../../query/rows.js'

export const EXPLANATION = z.object({
  task_id: z.string(),
  status: z.enum(TASK_STATUSES),
  why: z.string().optional().describe('What holds the task up as a whole.'),
  steps: z.array(
    z.object({
      step_id: z.string(),
      status: z.string(),
      reason: z.enum(WAIT_REASONS).describe('What it waits for, for programs.'),
      why: z.string(),
      unblocked_by: z.string(),
      waits_for: z.array(z.string()),
      chain: z
        .array(
          z.object({
            step_id: z.string(),
            status: z.string(),
            reason: z.enum([...WAIT_REASONS, 'running']),
            why: z.string(),
            unblocked_by: z.string(),
          }),
        )
        .describe('Why the steps it waits for have not ended, and those they wait for, to the last; nearest first.'),
      chain_is_cut: z.boolean().describe(`There are more than ${LIMITS.explainedLinksMax}.`),
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
