/** The steps of a document while their rules are checked: some may lack what they must have. */
import type { Located } from './read-failure.js'
import type { StepFields } from './read-step.js'

export type Step = Located<StepFields>

export interface NamedSteps {
  readonly steps: readonly Step[]
  /** Per step, the indexes of those it waits for. */
  readonly edges: readonly (readonly number[])[]
  readonly indexOf: ReadonlyMap<string, number>
}

export const nameOf = (step: Step | undefined): string => step?.value.name?.value ?? '?'

export const typeOf = (step: Step | undefined): string => step?.value.type?.value ?? 'standard'
