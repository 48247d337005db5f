/** What a phase found, as Markdown that can be pasted into `docs/reliability.md`. */
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import type { Figures, Phase, PhaseRun } from './phase.js'

const GIB = 1024 ** 3

/** One sentence about where the figures come from. */
const machineText = (postgresVersion: string): string =>
  `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / GIB)} GiB, ` +
  `Linux ${release().split('.').slice(0, 2).join('.')}, Node ${process.versions.node}, PostgreSQL ${postgresVersion}`

/** The command that plays it again. */
export const commandOf = ({ name }: Phase, { form, seed }: PhaseRun): string =>
  `npm run soak -- --only ${name}${form === 'short' ? ' --short' : ''} --seed ${seed}`

export const sectionOf = (phase: Phase, run: PhaseRun, figures: Figures, tookMs: number): string => {
  const { columns, rows, notes = [] } = figures
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  const promise = `${phase.promise.charAt(0).toUpperCase()}${phase.promise.slice(1)}.`
  return [
    `### ${phase.name}`,
    promise,
    `${new Date().toISOString().slice(0, 10)}, ${machineText(figures.postgresVersion)}; ${Math.round(tookMs / 1_000)} s; \`${commandOf(phase, run)}\``,
    [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n'),
    notes.join(' '),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}
