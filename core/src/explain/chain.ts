/** The chain of reasons: why the steps that a step waits for have not ended, and those that they wait for, to the last. */
import { instantText } from '../kernel/instant.js'
import { elementAt } from '../kernel/invariant.js'
import type { StepId } from '../kernel/ids.js'
import { LIMITS } from '../limits.js'
import type { LiveTask, StepStatus } from '../task/state.js'
import { nameAt, type Told, type WaitReason } from './told.js'

export interface ChainLink {
  readonly step: StepId
  readonly status: StepStatus
  /** `running` for a step that a worker has. */
  readonly reason: WaitReason | 'running'
  readonly why: string
  readonly unblockedBy: string
}

/** `told` holds what is told of each step by index; a step that runs is told here. */
export const chainOf = (
  task: LiveTask,
  index: number,
  told: readonly (Told | undefined)[],
): { readonly chain: readonly ChainLink[]; readonly chainIsCut: boolean } => {
  const seen = new Set([index])
  const chain: ChainLink[] = []
  const add = (names: readonly StepId[]): void => {
    for (const name of names) {
      const before = task.graph.indexOf.get(name)
      if (before !== undefined && seen.size <= LIMITS.explainedLinksMax + 1) seen.add(before)
    }
  }
  add(told[index]?.waitsFor ?? [])
  // A set hands out what is added to it on the way: nearest first.
  for (const before of seen) {
    if (before === index) continue
    if (chain.length === LIMITS.explainedLinksMax) return { chain, chainIsCut: true }
    const link = linkOf(task, before, told[before])
    if (link !== undefined) chain.push(link)
    add(told[before]?.waitsFor ?? [])
  }
  return { chain, chainIsCut: false }
}

const linkOf = (task: LiveTask, index: number, told: Told | undefined): ChainLink | undefined => {
  const step = elementAt(task.steps, index, 'steps')
  const name = { step: nameAt(task, index), status: step.status }
  if (told !== undefined) return { ...name, reason: told.reason, why: told.why, unblockedBy: told.unblockedBy }
  if (step.status !== 'in_progress') return undefined
  return {
    ...name,
    reason: 'running',
    why: `Attempt ${step.attempts} runs on worker ${step.worker} since ${instantText(step.since)}.`,
    unblockedBy: `Its end, or its timeout at ${instantText(step.deadlineAt)}.`,
  }
}
