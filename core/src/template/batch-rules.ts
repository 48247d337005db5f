/** What must hold of batches: each batchable step has one worker template that waits for it, and each worker template one batchable step. */
import { nameOf, typeOf, type NamedSteps, type Step } from './named-steps.js'
import { shown } from './nearest.js'
import { addProblem, type Findings } from './problem.js'
import type { Located } from './read-failure.js'

export const checkBatches = (graph: NamedSteps, findings: Findings): void => {
  const { steps, edges, indexOf } = graph
  const used = new Map<number, number>()
  steps.forEach((step, index) => {
    for (const { value, path } of namedBy(step))
      if (typeOf(steps[indexOf.get(value) ?? -1]) !== 'batch_worker')
        addProblem(findings, 'UNKNOWN_WORKER_TEMPLATE', path, `${shown(value)} is no step of type batch_worker in this template`)
    if (typeOf(step) !== 'batchable') return
    checkNumbers(step, findings)
    const worker = workerOf(graph, index, findings)
    if (worker === undefined) return
    const other = used.get(worker)
    const path = step.value.type?.path ?? step.path
    if (other !== undefined)
      note(findings, path, `${shown(nameOf(steps[worker]))} makes the workers of ${shown(nameOf(steps[other]))} already`)
    else if (edges[worker]?.includes(index) !== true)
      note(findings, path, `the worker template ${shown(nameOf(steps[worker]))} does not depend on ${shown(nameOf(step))}`)
    used.set(worker, index)
  })
  steps.forEach((step, index) => {
    const path = step.value.type?.path
    if (typeOf(step) === 'batch_worker' && path !== undefined && !used.has(index) && !waitsForBatch(graph, index))
      note(findings, path, `${shown(nameOf(step))} is the worker of no batchable step, so it would never run`)
  })
}

const note = (findings: Findings, path: string, message: string): void =>
  addProblem(findings, 'UNKNOWN_WORKER_TEMPLATE', path, message)

/** Its batchable step has a problem of its own then. */
const waitsForBatch = ({ steps, edges }: NamedSteps, worker: number): boolean =>
  edges[worker]?.some((index) => typeOf(steps[index]) === 'batchable') === true

/** The worker template of a batchable step: the one it names, or the only one that waits for it. */
const workerOf = ({ steps, edges, indexOf }: NamedSteps, batchable: number, findings: Findings): number | undefined => {
  const step = steps[batchable]
  const named = step === undefined ? undefined : namedBy(step)[0]
  if (named !== undefined) {
    const index = indexOf.get(named.value)
    return typeOf(steps[index ?? -1]) === 'batch_worker' ? index : undefined
  }
  const waiting = steps.flatMap((other, index) =>
    typeOf(other) === 'batch_worker' && edges[index]?.includes(batchable) === true ? [index] : [],
  )
  const path = step?.value.type?.path ?? ''
  if (waiting.length === 0)
    note(findings, path, `the batchable step ${shown(nameOf(step))} has no step of type batch_worker that depends on it`)
  if (waiting.length > 1) {
    const names = waiting.map((index) => shown(nameOf(steps[index]))).join(' and ')
    note(findings, path, `${names} wait for ${shown(nameOf(step))}; say which one makes its workers`)
  }
  return waiting.length === 1 ? waiting[0] : undefined
}

/** The worker templates that a step names, the one that counts first. */
const namedBy = (step: Step): readonly Located<string>[] => {
  const initialization = typeOf(step) === 'batchable' ? step.value.handler?.value.initialization : undefined
  const byHandler = initialization?.value.worker_template_name
  const byConfig = step.value.batch_config?.worker_template
  return [
    ...(initialization !== undefined && typeof byHandler === 'string'
      ? [{ value: byHandler, path: `${initialization.path}/worker_template_name` }]
      : []),
    ...(byConfig === undefined ? [] : [byConfig]),
  ]
}

/** `handler.initialization` is an open map, but these two the server reads. */
const checkNumbers = (step: Step, findings: Findings): void => {
  const initialization = step.value.handler?.value.initialization
  for (const field of ['max_workers', 'batch_size'] as const) {
    const value = initialization?.value[field]
    if (value === undefined || value === null) continue
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
      addProblem(findings, 'OUT_OF_RANGE', `${initialization?.path ?? step.path}/${field}`, `${field} is a whole number from 1`)
  }
}
