/** What a template says of a batch: read from the analyzer's `handler.initialization` and the `batch_config` of both steps. */
import type { StepId } from '../kernel/ids.js'
import { stepId } from '../kernel/ids.js'
import type { Json } from '../kernel/json.js'
import { LIMITS } from '../limits.js'

export type FailureStrategy = 'continue_on_failure' | 'fail_fast' | 'isolate'

/** The block as written; every field may be absent. */
export interface BatchConfig {
  readonly batchSize: number | undefined
  readonly parallelism: number | undefined
  readonly cursorField: string | undefined
  readonly workerTemplate: StepId | undefined
  readonly failureStrategy: FailureStrategy | undefined
}

/** What holds for one batch. */
export interface BatchSpec {
  /** Indexes of the two steps. */
  readonly batchable: number
  readonly workerTemplate: number
  readonly batchSize: number
  readonly maxWorkers: number
  readonly parallelism: number
  readonly cursorField: string
  readonly failureStrategy: FailureStrategy
}

const BATCH_SIZE_DEFAULT = 1_000
const PARALLELISM_DEFAULT = 10

/** What this asks of a step. */
export interface BatchStep {
  readonly name: StepId
  readonly type: string
  readonly dependencies: readonly StepId[]
  readonly handler: { readonly initialization: { readonly [key: string]: Json } }
  readonly batchConfig: BatchConfig | undefined
}

/** The name of the worker template that a batchable step gives; undefined when it leaves that to the graph. */
export const namedWorkerTemplate = (step: BatchStep): StepId | undefined => {
  const named = step.handler.initialization.worker_template_name
  return typeof named === 'string' ? stepId(named) : step.batchConfig?.workerTemplate
}

/** One entry a batchable step, in order. The template was checked: each has exactly one worker template. */
export const batchSpecs = (steps: readonly BatchStep[]): readonly BatchSpec[] =>
  steps.flatMap((step, index) => (step.type === 'batchable' ? specOf(steps, step, index) : []))

const specOf = (steps: readonly BatchStep[], analyzer: BatchStep, batchable: number): readonly BatchSpec[] => {
  const named = namedWorkerTemplate(analyzer)
  const workerTemplate = steps.findIndex(({ name, type, dependencies }) =>
    named === undefined ? type === 'batch_worker' && dependencies.includes(analyzer.name) : name === named,
  )
  const worker = steps[workerTemplate]
  if (worker === undefined) return []
  const { initialization } = analyzer.handler
  const [own, ofWorker] = [analyzer.batchConfig, worker.batchConfig]
  return [
    {
      batchable,
      workerTemplate,
      batchSize: countOf(initialization.batch_size) ?? ofWorker?.batchSize ?? own?.batchSize ?? BATCH_SIZE_DEFAULT,
      maxWorkers: Math.min(countOf(initialization.max_workers) ?? LIMITS.batchWorkersMax, LIMITS.batchWorkersMax),
      parallelism: ofWorker?.parallelism ?? own?.parallelism ?? PARALLELISM_DEFAULT,
      cursorField: ofWorker?.cursorField ?? own?.cursorField ?? 'id',
      failureStrategy: ofWorker?.failureStrategy ?? own?.failureStrategy ?? 'continue_on_failure',
    },
  ]
}

/** A whole number above 0; `handler.initialization` is an open map, so anything may stand there. */
export const countOf = (value: Json | undefined): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined
