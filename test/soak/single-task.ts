/** A task with one step, which gives its number back. */
import { defineTask } from '@tasker/sdk'
import { z } from 'zod'

export const single = defineTask('single', { namespace: 'single', version: '1.0.0', input: z.object({ n: z.number() }) }).step(
  'only',
  ({ input }) => ({ n: input.n }),
)
