/** Shows everything to the invariants, and keeps the first thing that is wrong with the place in the trace where it was seen. */

import type { Plan, TaskId } from '@tasker/core'
import type { StoredCommit } from '@tasker/server/internal/log/port'
import type { MemoryStore } from '@tasker/server/internal/projections/memory-store'
import { INVARIANTS } from './invariants/all.js'
import type { AtRest, Invariant, Sent } from './invariants/invariant.js'
import { RebuiltRows } from './rebuilt-rows.js'
import type { Trace } from './trace.js'
import { type SeenCommit, Witness } from './witness.js'

export interface Violation {
  readonly what: string
  readonly taskId: TaskId | undefined
  /** How many lines the trace had. */
  readonly place: number
}

/** Violations kept of one run: the first says it, the others may help. */
const VIOLATIONS_MAX = 20

export class Checking {
  readonly witness: Witness
  readonly rebuilt = new RebuiltRows()
  readonly violations: Violation[] = []
  readonly #trace: Trace
  readonly #invariants: readonly Invariant[]
  readonly #plans = new Map<string, Plan>()

  constructor(trace: Trace) {
    this.#trace = trace
    this.witness = new Witness({
      plan: (namespace, name, version) => this.#plans.get(`${namespace}/${name}@${version}`),
      seen: (commit) => this.#seen(commit),
      broken: (what, taskId) => this.violated(what, taskId),
    })
    this.#invariants = INVARIANTS.map((invariant) => invariant((what, taskId) => this.violated(what, taskId), this.witness))
  }

  /** Tasks of this template are folded by this plan. */
  registered(namespace: string, name: string, version: string, plan: Plan): void {
    this.#plans.set(`${namespace}/${name}@${version}`, plan)
  }

  /** A commit is durable. */
  see(commit: StoredCommit, writers: ReadonlySet<string>): void {
    this.witness.see(commit, writers)
  }

  sent(sent: Sent): void {
    for (const invariant of this.#invariants) invariant.sent?.(sent)
  }

  async quiet(store: MemoryStore): Promise<void> {
    for (const invariant of this.#invariants) await invariant.quiet?.({ store, rebuilt: this.rebuilt })
  }

  async rest(world: Omit<AtRest, 'rebuilt'>): Promise<void> {
    for (const invariant of this.#invariants) await invariant.rest?.({ ...world, rebuilt: this.rebuilt })
  }

  violated(what: string, taskId?: TaskId): void {
    if (this.violations.length >= VIOLATIONS_MAX) return
    this.violations.push({ what, taskId, place: this.#trace.length })
    this.#trace.add('checker', () => `VIOLATED: ${what}`, taskId)
  }

  #seen(commit: SeenCommit): void {
    const { stored, writers, decoded } = commit
    const { stream, partition, seq, types, cause } = stored
    this.#trace.add(
      'log',
      () =>
        `${partition}:${seq} ${stream.kind} ${stream.id} by ${[...writers].join()} (${cause}): ${detailsOf(commit) ?? types.join(' ')}`,
      decoded?.taskId,
    )
    this.rebuilt.see(commit)
    for (const invariant of this.#invariants) invariant.commit?.(commit)
  }
}

/** The events of a task's commit with the step and attempt they are of. */
const detailsOf = ({ decoded }: SeenCommit): string | undefined =>
  decoded?.events
    .map(({ event, version }) => {
      const step = 'step' in event ? ` ${event.step}` : ''
      const attempt = 'attempt' in event ? `#${event.attempt}` : ''
      return `v${version} ${event.type}${step}${attempt}`
    })
    .join(', ')
