/** Systems that take turns on one load, so that whatever the machine does meanwhile meets all of them. */
import type { Contender } from './contender.js'
import type { Measured } from './figures.js'
import { measure } from './measure.js'
import type { Load } from './workloads.js'

/** Each system is started anew for each of its runs. A run that fails is told to `onFailure`, and the others go on; without that it is thrown. */
export const alternate = async (
  contenders: readonly Contender[],
  load: Load,
  runs: number,
  onRun: (system: string, measured: Measured) => void,
  onFailure?: (system: string, error: unknown) => void,
): Promise<ReadonlyMap<string, readonly Measured[]>> => {
  const measured = new Map<string, Measured[]>(contenders.map(({ name }) => [name, []]))
  for (let run = 1; run <= runs; run++) {
    for (const contender of contenders) {
      try {
        const figures = await measuredOnce(contender, load)
        measured.get(contender.name)?.push(figures)
        onRun(contender.name, figures)
      } catch (error) {
        if (onFailure === undefined) throw error
        onFailure(contender.name, error)
      }
    }
  }
  return measured
}

export const measuredOnce = async (contender: Contender, load: Load): Promise<Measured> => {
  const stage = await contender.start(load)
  try {
    return await measure(stage, load)
  } finally {
    await stage.stop()
  }
}
