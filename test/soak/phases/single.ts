/** The task of the memory phase: one step, which gives its number back. */
import { defineTask } from '@tasker/sdk'
import { z } from 'zod'

export const single = defineTask('single', { namespace: 'memory', version: '1.0.0', input: z.object({ n: z.number() }) }).step(
  'only',
  ({ input }) => ({ n: input.n }),
)
