/** A template's graph as data, with the state of one task laid over it where there is one. */
import type { StepId } from '../kernel/ids.js'
import type { StepSpec } from '../template/template.js'
import type { Plan } from '../template/plan.js'
import type { LiveTask, StepStatus } from '../task/state.js'
import { isReplaced } from '../task/step-groups.js'

export interface GraphNode {
  readonly id: StepId
  readonly type: string
  readonly handler: string
  /** Undefined for a template without a task. */
  readonly status: StepStatus | undefined
  readonly attempts: number | undefined
}

export interface GraphEdge {
  /** The step that comes first. */
  readonly from: StepId
  /** The step that waits for it. */
  readonly to: StepId
}

export interface GraphView {
  readonly namespace: string
  readonly name: string
  readonly version: string
  /** In the order of the template; workers of batches follow, and their templates are left out. */
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

export const graphView = (plan: Plan, task?: LiveTask): GraphView => ({
  namespace: plan.template.namespace,
  name: plan.template.name,
  version: plan.template.version,
  nodes: shown(plan, task).map(({ step, index }) => ({
    id: step.name,
    type: step.type,
    handler: step.handler.callable,
    status: task?.steps[index]?.status,
    attempts: task?.steps[index]?.attempts,
  })),
  edges: shown(plan, task).flatMap(({ step }) => step.dependencies.map((from) => ({ from, to: step.name }))),
})

const shown = (plan: Plan, task: LiveTask | undefined): readonly { readonly step: StepSpec; readonly index: number }[] =>
  (task?.graph ?? plan).steps.flatMap((step, index) => (task !== undefined && isReplaced(task, index) ? [] : [{ step, index }]))
