/** Plays every workload that has a target: Tasker and its peers take turns. */
import { alternate } from '../alternate.js'
import type { Contender } from '../contender.js'
import type { Measured } from '../figures.js'
import type { Form, Say } from '../form.js'
import { PEER_STAGES } from '../peer-stages.js'
import { tasker } from '../tasker-stage.js'
import { shortened } from '../workload-size.js'
import { WORKLOADS } from '../workloads.js'
import { type FiguresOfRuns, TARGETS } from './targets.js'

/** All the numbers of a run by their names; a dot goes into a stretch. */
export const numbersOf = (measured: object, prefix = ''): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(measured).flatMap(([name, value]: [string, unknown]): [string, number][] => {
      if (typeof value === 'number') return [[`${prefix}${name}`, value]]
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
      return Object.entries(numbersOf(value, `${prefix}${name}.`))
    }),
  )

/** What each figure was in each run. */
const byFigure = (all: readonly Measured[]): Readonly<Record<string, readonly number[]>> => {
  const runs = all.map((measured) => numbersOf(measured))
  const names = Object.keys(runs[0] ?? {})
  return Object.fromEntries(names.map((name) => [name, runs.map((run) => run[name] ?? Number.NaN)]))
}

export const playTargets = async (form: Form, peers: readonly string[], runs: number, say: Say): Promise<FiguresOfRuns> => {
  const contenders: readonly Contender[] = [tasker(), ...PEER_STAGES.filter(({ name }) => peers.includes(name))]
  const figures: Record<string, FiguresOfRuns[string]> = {}
  for (const name of new Set(TARGETS.map(({ workload }) => workload))) {
    const workload = WORKLOADS[name]
    if (workload === undefined) throw new Error(`there is no workload ${name}`)
    const load = form === 'short' ? shortened(workload.load) : workload.load
    const measured = await alternate(
      contenders,
      load,
      runs,
      (system, one) => say(`${name} ${system}: ${JSON.stringify(numbersOf(one))}`),
      (system, error) => say(`${name} ${system} failed: ${String(error)}`),
    )
    figures[name] = Object.fromEntries([...measured].map(([system, all]) => [system, byFigure(all)]))
  }
  return figures
}
