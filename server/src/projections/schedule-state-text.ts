/** The state of a schedule as its row keeps it, and back. */
import {
  FIRED_BY,
  FIRING_OUTCOMES,
  instant,
  type JsonText,
  namespaceOf,
  parseTaskId,
  present,
  type ScheduleState,
  SKIP_REASONS,
  trustedJson,
} from '@tasker/core'
import { z } from 'zod'
import { definitionText, parseDefinition } from '../log/schedule-definition-text.js'

export const scheduleStateText = ({ generation, live }: ScheduleState): string => {
  if (live === undefined) return JSON.stringify({ generation })
  const { definition, ...rest } = live
  return JSON.stringify({
    generation,
    live: { ...rest, definition: definitionText(definition), context: definition.task.context },
  })
}

const at = z.number().transform(instant)
const taskId = z.string().transform((text) => present(parseTaskId(text), `the task id in ${text}`))

const FIRED = { id: z.string(), nominalAt: at, by: z.enum(FIRED_BY), firedAt: at, taskId: taskId.exactOptional() }

const LIVE = z
  .object({
    namespace: z.string().transform(namespaceOf),
    name: z.string(),
    definition: z.string(),
    context: z.string().transform((text): JsonText => trustedJson(text)),
    createdAt: at,
    editedAt: at,
    paused: z.object({ at, note: z.string() }).exactOptional(),
    decidedUpTo: at,
    firings: z.array(
      z.object({
        ...FIRED,
        template: z.string(),
        version: z.string().exactOptional(),
        holds: z.boolean(),
        cancelling: z.boolean(),
      }),
    ),
    waiting: z.array(z.object({ nominalAt: at, by: z.enum(FIRED_BY) })),
    lastFirings: z.array(
      z.object({
        ...FIRED,
        outcome: z.enum(FIRING_OUTCOMES).exactOptional(),
        refused: z.object({ reason: z.string(), message: z.string() }).exactOptional(),
      }),
    ),
    lastSkips: z.array(z.object({ nominalAt: at, at, reason: z.enum([...SKIP_REASONS, 'missed']) })),
    counts: z.object({ fired: z.number(), skipped: z.number(), missed: z.number() }),
    triggers: z.number(),
  })
  .transform(({ definition, context, ...rest }) => ({ ...rest, definition: parseDefinition(definition, context) }))

const STATE = z.object({ generation: z.number(), live: LIVE.optional() })

export const parseScheduleState = (text: string): ScheduleState => {
  const { generation, live } = STATE.parse(JSON.parse(text))
  return { generation, live }
}
