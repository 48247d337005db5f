/** The shapes of what explains a task. */
import { TASK_REASONS, WAIT_REASONS } from '@tasker/core'
import { z } from 'zod'
import { TASK_STATUSES } from '../../query/rows.js'
import { AS_OF } from './task.js'

const at = z.iso.datetime().nullable()

export const EXPLANATION = z.object({
  task_id: z.string(),
  status: z.enum(TASK_STATUSES),
  as_of: AS_OF,
  reasons: z
    .array(
      z.object({
        reason: z.enum(TASK_REASONS),
        why: z.string(),
        unblocked_by: z.string(),
        until: at.describe('When that happens by itself, where a time is known.'),
        commands: z.array(z.string()).describe('What a person can type.'),
      }),
    )
    .describe('What holds the task as a whole.'),
  steps: z.array(
    z.object({
      step_id: z.string(),
      status: z.string(),
      since: z.iso.datetime().describe('When its status began.'),
      reason: z.enum(WAIT_REASONS).describe('What it waits for, for programs.'),
      why: z.string(),
      unblocked_by: z.string(),
      until: at.describe('When that happens by itself, where a time is known.'),
      waits_for: z.array(z.string()),
      chain: z
        .array(
          z.object({
            step_id: z.string(),
            status: z.string(),
            reason: z.enum([...WAIT_REASONS, 'running', 'ended']),
            why: z.string(),
            waits_for: z.array(z.string()),
          }),
        )
        .describe('What the steps it waits for wait for themselves, the nearest first.'),
      root_causes: z.array(z.string()).describe('The steps of the chain that wait for no other step.'),
      chain_cut: z.boolean().describe('The chain has more links.'),
      held_by: z
        .array(
          z.object({ task_id: z.string(), step_id: z.string(), attempt: z.number().int(), since: z.iso.datetime(), free_at: at }),
        )
        .describe('Who has the places of its key, the first of them.'),
      inputs: z
        .array(z.object({ path: z.string(), value: z.string().nullable(), cut_from: z.number().int().nullable() }))
        .describe('What the condition of a skipped step read, as JSON text; null where there is no such value.'),
      commands: z.array(z.string()).describe('What a person can type.'),
    }),
  ),
  children: z
    .array(
      z.object({
        task_id: z.string(),
        parent_task_id: z.string(),
        parent_step_id: z.string(),
        key: z.string(),
        name: z.string(),
        status: z.string().nullable().describe('null where the task is not known, and as of a moment.'),
      }),
    )
    .describe('The tasks that it waits for, and those that they wait for, which are not over.'),
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
