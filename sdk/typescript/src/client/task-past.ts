/** What the client shows of a task's past, of the reasons it waits for, and of its difference from another. */
import type { DiffResponse, ExplainResponse, GetCompensationResponse, KeyPlace, StepExplanation as WireStep } from '@tasker/proto'
import { payloadValue } from '../step/payload.js'

/** A moment of a task's past; at most one of the two. */
export interface Moment {
  /** After the event with this version. */
  readonly atVersion?: number
  /** After the last event up to this instant. */
  readonly atTime?: Date
}

/** The last event that had happened at the moment that was asked for. */
export interface AsOf {
  readonly version: number
  readonly at: Date
}

/** What holds a task as a whole, or wants a person's look at it. */
export interface TaskReason {
  /** Such as `paused`, `blocked`, `dead_letter`. */
  readonly reason: string
  /** One sentence for people. */
  readonly why: string
  readonly unblockedBy: string
  /** When that happens by itself, where a time is known. */
  readonly until: Date | undefined
  /** What a person can type. */
  readonly commands: readonly string[]
}

export interface StepExplanation extends TaskReason {
  readonly stepId: string
  readonly status: string
  /** When its status began. */
  readonly since: Date
  readonly waitsFor: readonly string[]
  /** What the steps it waits for wait for themselves, the nearest first. */
  readonly chain: readonly { readonly stepId: string; readonly status: string; readonly reason: string; readonly why: string }[]
  /** The steps of the chain that wait for no other step. */
  readonly rootCauses: readonly string[]
  readonly chainCut: boolean
  /** Who has the places of its key, the first of them. */
  readonly heldBy: readonly {
    readonly taskId: string
    readonly stepId: string
    readonly attempt: number
    readonly since: Date
    readonly freeAt: Date | undefined
  }[]
  /** What the condition of a skipped step read; `value` is JSON text, its beginning where it is long. */
  readonly inputs: readonly { readonly path: string; readonly value: string | undefined }[]
}

export interface TaskExplanation {
  readonly status: string
  readonly asOf: AsOf | undefined
  readonly reasons: readonly TaskReason[]
  /** Steps that run, are done or were never asked for are not among them. */
  readonly steps: readonly StepExplanation[]
}

/** What taking a task back would do, or does. */
export interface Compensation {
  readonly state: string
  readonly steps: readonly {
    readonly stepId: string
    readonly handler: string
    readonly state: string
    readonly after: readonly string[]
  }[]
  readonly withoutWayBack: readonly string[]
}

export interface TaskDifference {
  /** Nothing differs but times, ids and workers. */
  readonly same: boolean
  /** The comparison as `GET /v1/tasks/{task_id}/diff` gives it: `first_divergence`, `context`, `result`, `only_in`, `steps`, … */
  readonly diff: unknown
}

export const momentFields = ({ atVersion, atTime }: Moment) => ({ atVersion, atTimeMs: atTime?.getTime() })

export const asOfState = (asOf: { readonly version: number; readonly atMs: number } | undefined): AsOf | undefined =>
  asOf && { version: asOf.version, at: new Date(asOf.atMs) }

export const taskExplanation = ({ status, asOf, reasons, steps }: ExplainResponse): TaskExplanation => ({
  status,
  asOf: asOfState(asOf),
  reasons: reasons.map(({ untilMs, ...reason }) => ({ ...reason, until: dateOrNone(untilMs) })),
  steps: steps.map(stepExplanation),
})

const stepExplanation = ({ sinceMs, untilMs, heldBy, inputs, ...step }: WireStep): StepExplanation => ({
  ...step,
  since: new Date(sinceMs),
  until: dateOrNone(untilMs),
  heldBy: heldBy.map(keyPlace),
  inputs: inputs.map(({ path, value }) => ({ path, value })),
})

const keyPlace = ({ sinceMs, freeAtMs, ...place }: KeyPlace) => ({
  ...place,
  since: new Date(sinceMs),
  freeAt: dateOrNone(freeAtMs),
})

export const compensation = ({ state, steps, withoutWayBack }: GetCompensationResponse): Compensation => ({
  state,
  steps,
  withoutWayBack,
})

export const taskDifference = ({ same, diff }: DiffResponse): TaskDifference => ({ same, diff: payloadValue(diff) })

const dateOrNone = (ms: number): Date | undefined => (ms === 0 ? undefined : new Date(ms))
