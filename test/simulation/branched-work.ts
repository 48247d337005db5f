/** Work with decisions and batches inside each other: its templates, and what its handlers answer beside their results. */
import { branchesOf, jsonOf, type BatchRange, type LiveTask, type StepChoice } from '@tasker/core'
import type { StepCommand } from '@tasker/server/internal/engine/api'
import type { Dice } from './dice.js'
import { HANDLERS, NAMESPACE } from './workload.js'

/** A chain of forks and batches with steps between; what a fork opens comes together again, or ends by itself. */
export const drawBranchedTemplate = (dice: Dice, name: string): string => {
  const steps: object[] = [stepOf(dice, 'start', [])]
  let end = 'start'
  for (let n = dice.between(1, 3); n > 0; n--) end = dice.chance(0.5) ? fork(dice, steps, end, n, 2) : batch(dice, steps, end, n)
  steps.push(stepOf(dice, 'finish', [end]))
  return JSON.stringify({ name, namespace_name: NAMESPACE, version: '1.0.0', steps })
}

const stepOf = (dice: Dice, name: string, dependencies: readonly string[], more: object = {}): object => ({
  name,
  dependencies,
  handler: { callable: dice.pick(HANDLERS) },
  timeout_seconds: dice.between(2, 5),
  retry: { max_attempts: dice.between(2, 6), backoff: dice.pick(['none', 'linear']), backoff_base_ms: dice.between(100, 1_000) },
  publishes_events: [{ name: `${name}.over`, condition: 'always' }],
  ...more,
})

const fork = (dice: Dice, steps: object[], after: string, n: number, depth: number): string => {
  const decision = `${after}_fork${n}`
  steps.push(stepOf(dice, decision, [after], { type: 'decision' }))
  const ends = Array.from({ length: dice.between(1, 3) }, (_, branch) => {
    const name = `${decision}_${branch}`
    if (depth > 0 && dice.chance(0.3)) return fork(dice, steps, decision, branch, depth - 1)
    steps.push(stepOf(dice, name, [decision]))
    return dice.chance(0.2) ? batch(dice, steps, name, branch) : name
  })
  const join = `${decision}_join`
  steps.push(stepOf(dice, join, ends, { type: 'deferred_convergence' }))
  return join
}

const batch = (dice: Dice, steps: object[], after: string, n: number): string => {
  const [analyzer, worker, join] = [`${after}_split${n}`, `${after}_part${n}`, `${after}_sum${n}`]
  const failureStrategy = dice.pick(['continue_on_failure', 'fail_fast', 'isolate'])
  steps.push(
    stepOf(dice, analyzer, [after], { type: 'batchable' }),
    stepOf(dice, worker, [analyzer], {
      type: 'batch_worker',
      batch_config: { parallelism: dice.between(1, 4), failure_strategy: failureStrategy },
    }),
    stepOf(dice, join, [worker], { type: 'deferred_convergence' }),
  )
  return join
}

/** What a handler of the step answers; now and then something that cannot be carried out. */
export const choiceFor = (dice: Dice, { task, stepIndex }: StepCommand): StepChoice | undefined => {
  switch (task.graph.steps[stepIndex]?.type) {
    case 'decision':
      return decisionFor(dice, task, stepIndex)
    case 'batchable':
      return dice.chance(0.15) ? { type: 'no_batches' } : { type: 'create_batches', ranges: rangesFor(dice), totalItems: 10 }
    default:
      return undefined
  }
}

const decisionFor = (dice: Dice, { plan }: LiveTask, index: number): StepChoice => {
  if (dice.chance(0.02)) return { type: 'create_steps', names: ['nobody'] }
  const names = [...branchesOf(plan, index)].filter(() => dice.chance(0.4)).flatMap((branch) => plan.steps[branch]?.name ?? [])
  return names.length === 0 ? { type: 'no_branches' } : { type: 'create_steps', names }
}

const rangesFor = (dice: Dice): readonly BatchRange[] =>
  Array.from({ length: dice.between(1, 8) }, (_, n) => ({ id: '', start: jsonOf(n), end: jsonOf(n + 1), size: 1 }))
