/**
 * What the steps that a step waits for wait for themselves, down to the root causes.
 *
 * N1  Each step stands once in a chain: a graph without cycles has none here either, and a diamond is not told twice.
 * N2  A chain has at most `LIMITS.explainChainMax` links, and all chains of a task together `LIMITS.explainLinksMax`.
 */
import { instantText } from '../kernel/instant.js'
import { elementAt } from '../kernel/invariant.js'
import type { StepId } from '../kernel/ids.js'
import { LIMITS } from '../limits.js'
import type { LiveTask } from '../task/state.js'
import type { Chain, ChainLink, Told } from './reasons.js'

/** Links that may still be written. */
export interface LinkBudget {
  left: number
}

/** From the steps it waits for on, breadth first. `told` gives the own reason of each step. */
export const chainOf = (
  task: LiveTask,
  waitsFor: readonly StepId[],
  told: readonly (Told | undefined)[],
  budget: LinkBudget,
): Chain => {
  const chain: ChainLink[] = []
  const seen = new Set(waitsFor)
  let chainCut = false
  for (const step of seen) {
    if (chain.length >= LIMITS.explainChainMax || budget.left <= 0) {
      chainCut = true
      break
    }
    budget.left--
    const link = linkOf(task, step, told)
    chain.push(link)
    for (const next of link.waitsFor) seen.add(next)
  }
  return { chain, rootCauses: chain.filter((link) => link.waitsFor.length === 0).map(({ step }) => step), chainCut }
}

const linkOf = (task: LiveTask, name: StepId, told: readonly (Told | undefined)[]): ChainLink => {
  const index = task.graph.indexOf.get(name) ?? -1
  const step = elementAt(task.steps, index, 'steps')
  const own = told[index]
  if (own !== undefined) {
    return { step: name, status: step.status, reason: own.reason, why: own.why, waitsFor: own.waitsFor ?? [] }
  }
  const bare = { step: name, status: step.status, waitsFor: [] }
  if (step.status !== 'in_progress') return { ...bare, reason: 'ended', why: `It is ${step.status}.` }
  const { attempts, worker, since, deadlineAt } = step
  const why = `Attempt ${attempts} runs at worker ${worker} since ${instantText(since)}, until ${instantText(deadlineAt)} at the latest.`
  return { ...bare, reason: 'running', why }
}
