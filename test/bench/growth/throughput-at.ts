/** One run of Tasker for one place on an axis. */
import { measuredOnce } from '../alternate.js'
import type { Throughput } from '../figures.js'
import type { Form } from '../form.js'
import { tasker, type TaskerOptions } from '../tasker-stage.js'
import { type Load, type LoadOf, WARMUP_MS } from '../workloads.js'

/** Of one window. */
const WINDOW_MS = { short: 3_000, full: 15_000 } as const
const WARMUP = { short: 500, full: WARMUP_MS } as const

/** How long the window of a form is, and what comes before it. */
export const windowOf = (form: Form) => ({ warmupMs: WARMUP[form], until: { ms: WINDOW_MS[form] } })

export const throughputAt = async (
  load: LoadOf<'closed_loop' | 'paced'>,
  options: Partial<TaskerOptions> = {},
): Promise<Throughput> => {
  const measured = await measuredOnce(tasker(options), load satisfies Load)
  if ('steps_per_s' in measured) return measured
  throw new Error(`a load of type ${load.type} measures no throughput`)
}
