/** Random templates with decisions, batches and convergence inside each other, and what their handlers answer. */
import {
  branchesOf,
  type BatchRange,
  type FailureStrategy,
  type Plan,
  type StepChoice,
  type StepSpec,
  trustedJson,
} from '@tasker/core'
import fc from 'fast-check'
import { plan, step } from './given.js'

const BLOCKS_MAX = 7

interface Block {
  readonly kind: 'standard' | 'decision' | 'batch' | 'deferred_convergence'
  readonly after: readonly number[]
  readonly failureStrategy: FailureStrategy
  readonly parallelism: number
}

const arbitraryBlock = (index: number): fc.Arbitrary<Block> =>
  fc.record({
    kind: fc.oneof(
      { weight: 4, arbitrary: fc.constant<Block['kind']>('standard') },
      { weight: 5, arbitrary: fc.constant<Block['kind']>('decision') },
      { weight: 2, arbitrary: fc.constant<Block['kind']>('batch') },
      { weight: 3, arbitrary: fc.constant<Block['kind']>('deferred_convergence') },
    ),
    // Mostly what stands near, so that chains get deep.
    after: fc
      .array(
        fc.oneof(
          { weight: 3, arbitrary: fc.constant(Math.max(0, index - 1)) },
          { weight: 2, arbitrary: fc.nat(Math.max(0, index - 1)) },
        ),
        { maxLength: 3 },
      )
      .map((list) => (index === 0 ? [] : [...new Set(list)])),
    failureStrategy: fc.constantFrom<FailureStrategy>('continue_on_failure', 'fail_fast', 'isolate'),
    parallelism: fc.integer({ min: 1, max: 3 }),
  })

const nameOf = (block: number): string => `b${block}`
const workerOf = (block: number): string => `w${block}`

/** Whoever depends on a batch depends on its workers. */
const stepsOf = (blocks: readonly Block[]): readonly StepSpec[] =>
  blocks.flatMap(({ kind, after, failureStrategy, parallelism }, index) => {
    const names = after.map((other) => (blocks[other]?.kind === 'batch' ? workerOf(other) : nameOf(other)))
    const retry = { maxAttempts: 2, backoff: 'none', jitter: 0 } as const
    if (kind === 'decision' && names.length === 0) return [step(nameOf(index), { retry })]
    if (kind !== 'batch') return [step(nameOf(index), { after: names, type: kind, retry })]
    return [
      step(nameOf(index), { after: names, type: 'batchable', retry, initialization: { max_workers: 4 } }),
      step(workerOf(index), { after: [nameOf(index)], type: 'batch_worker', retry, batch: { parallelism, failureStrategy } }),
    ]
  })

export const arbitraryBranchedPlan: fc.Arbitrary<Plan> = fc
  .integer({ min: 2, max: BLOCKS_MAX })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => arbitraryBlock(index))))
  .map((blocks) => plan(...stepsOf(blocks)))

/** What the handler of a step answers, drawn by a number from 0 to 1; nothing for a step that chooses nothing. */
export const choiceOf = (of: Plan, index: number, draw: number): StepChoice | undefined => {
  const bits = Math.floor(draw * 1_000_000)
  switch (of.steps[index]?.type) {
    case 'decision': {
      const names = [...branchesOf(of, index)]
        .filter((_, place) => (bits >> (place % 16)) % 2 === 1)
        .flatMap((branch) => of.steps[branch]?.name ?? [])
      return names.length === 0 ? { type: 'no_branches', reason: 'nothing fits' } : { type: 'create_steps', names }
    }
    case 'batchable':
      return bits % 5 === 0
        ? { type: 'no_batches' }
        : { type: 'create_batches', ranges: rangesOf(1 + (bits % 6)), totalItems: 10 * (1 + (bits % 6)) }
    case 'standard':
    case 'deferred_convergence':
    case 'function':
    case 'batch_worker':
    case undefined:
      return undefined
  }
}

const rangesOf = (count: number): readonly BatchRange[] =>
  Array.from({ length: count }, (_, n) => ({
    id: '',
    start: trustedJson(String(n * 10)),
    end: trustedJson(String(n * 10 + 10)),
    size: 10,
  }))
