/** The parts of the page that are made of results: tables, and links to pictures. */
import { GROWTHS } from '../growth/all.js'
import type { Growth, Point } from '../growth/growth.js'
import { PARTS } from '../profile/budget.js'
import type { From, Results } from '../results.js'
import { median, TARGETS, type Verdict, verdictOn } from '../targets/targets.js'
import { shown } from './numbers.js'

/** Of the page. */
export const IMAGES = 'images/bench'

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const tableOf = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(heads), row(heads.map(() => '---')), ...rows.map(row)].join('\n')

const fromText = ({ at, machine, command, form, took_s }: From): string =>
  `${at}, ${machine}; ${shown(took_s)} s; \`${command}\`.${form === 'short' ? ' **A short form: these figures say that the bench works, and nothing else.**' : ''}`

/** Cores that may be busy with something else before the figures are called disturbed. */
const FOREIGN_CORES_MAX = 0.3

const disturbed = (foreignCores: readonly number[]): string => {
  const most = Math.max(0, ...foreignCores)
  return most > FOREIGN_CORES_MAX ? ` **Disturbed: up to ${shown(most)} cores were busy with something else.**` : ''
}

const upper = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

/** Each made section by the name between its marks in the page. */
export const sectionsOf = (results: Results): Readonly<Record<string, string>> => ({
  targets: targetsText(results),
  misses: missesText(results),
  growth: GROWTHS.map((growth) => growthText(growth, results)).join('\n\n'),
  budget: budgetText(results),
})

const NOT_YET = 'Not measured yet.'

const PEERS = ['restate', 'dbos'] as const

const targetsText = ({ targets }: Results): string => {
  if (targets === undefined) return NOT_YET
  const rows = TARGETS.flatMap((target) => verdictOn(target, targets.figures) ?? []).map((verdict) => [
    verdict.target.title,
    verdict.target.unit,
    oursText(verdict.ours),
    ...PEERS.map((peer) => (verdict.peers[peer] === undefined ? '' : shown(verdict.peers[peer]))),
    reachText(verdict),
    verdict.reached === undefined ? 'its peer did not run' : reachedText(verdict),
    verdict.met ? 'yes' : '**no**',
  ])
  return [
    `${fromText(targets)} Medians of ${targets.runs} ${targets.runs === 1 ? 'run' : 'runs'} of each system, taking turns; behind Tasker's the lowest and the highest.`,
    `Cores that were busy with something else: ${foreignText(targets.figures)}`,
    tableOf(['what', 'unit', 'Tasker', 'Restate', 'DBOS', 'to reach', 'reached', 'met'], rows),
  ].join('\n\n')
}

const oursText = (runs: readonly number[]): string => {
  const [low, high] = [Math.min(...runs), Math.max(...runs)]
  return runs.length === 1 ? shown(median(runs)) : `${shown(median(runs))} (${shown(low)} to ${shown(high)})`
}

const reachText = ({ target: { reach, better } }: Verdict): string => {
  if (reach.type === 'at_most') return `at most ${shown(reach.value)}`
  const peer = reach.peer === 'dbos' ? 'DBOS' : 'Restate'
  return better === 'more' ? `${reach.factor} times ${peer}` : `${reach.factor} times less than ${peer}`
}

const reachedText = ({ target: { reach, better }, reached = Number.NaN }: Verdict): string =>
  reach.type === 'at_most' ? shown(reached) : `${shown(reached)} times${better === 'more' ? '' : ' less'}`

const foreignText = (figures: NonNullable<Results['targets']>['figures']): string => {
  const all = Object.values(figures).flatMap((systems) => Object.values(systems).flatMap((of) => of['foreign_cores'] ?? []))
  return `${shown(median(all))} in the median, ${shown(Math.max(...all))} at most.${disturbed([median(all)])}`
}

/** What was to be reached and was not, and by how much. */
const missesText = ({ targets }: Results): string => {
  if (targets === undefined) return NOT_YET
  const misses = TARGETS.flatMap((target) => verdictOn(target, targets.figures) ?? []).filter(({ met }) => !met)
  if (misses.length === 0) return 'Every row was met in the runs above.'
  return misses
    .map((verdict) => {
      const { target, reached } = verdict
      if (reached === undefined) return `- ${target.title}: its peer did not run.`
      const { reach } = target
      const short =
        reach.type === 'at_most'
          ? `${shown(reached / reach.value)} times what is asked`
          : `${shown(reached / reach.factor)} of what is asked`
      return `- ${upper(target.title)}, ${target.unit}: ${reachedText(verdict)} where ${reachText(verdict)} is to be reached, ${short}.`
    })
    .join('\n')
}

export const plotFile = (growth: Growth, plot: string): string => `${growth.name}-${plot}.svg`

const growthText = (growth: Growth, { growth: all }: Results): string => {
  const found = all[growth.name]
  const heading = `### ${growth.title}`
  if (found === undefined) return `${heading}\n\n${growth.says}\n\n${NOT_YET}`
  const columns = [growth.x, ...growth.plots.flatMap(({ series }) => series), ...growth.columns]
  return [
    heading,
    growth.says,
    `${fromText(found)}${disturbed(found.points.flatMap((point) => point['foreign_cores'] ?? []))}`,
    growth.plots.map(({ name, title }) => `![${growth.title}: ${title}](${IMAGES}/${plotFile(growth, name)})`).join('\n'),
    tableOf(
      columns.map(({ label }) => label),
      found.points.map((point: Point) => columns.map(({ field }) => shown(point[field] ?? Number.NaN))),
    ),
  ].join('\n\n')
}

export const flameFile = (workload: string, process: 'server' | 'worker'): string =>
  `flame-${workload.toLowerCase()}-${process}.svg`

const budgetText = ({ profile }: Results): string => {
  if (profile === undefined) return NOT_YET
  const workloads = Object.entries(profile.workloads)
  return [
    fromText(profile),
    'The main thread of the server, µs a step of wall time while it was not idle:',
    tableOf(
      ['part', ...workloads.flatMap(([name]) => [`${name}, µs`, 'share'])],
      [
        ...PARTS.map((part) => [part, ...workloads.flatMap(([, { budget_us_per_step: budget }]) => shareOf(budget, part))]),
        ['in all', ...workloads.flatMap(([, { budget_us_per_step: budget }]) => [shown(totalOf(budget)), ''])],
      ],
    ),
    'CPU by process, µs a step, with all threads:',
    tableOf(
      ['', ...workloads.map(([name]) => name)],
      Object.keys(workloads[0]?.[1].cpu_us_per_step ?? {}).map((process) => [
        process,
        ...workloads.map(([, { cpu_us_per_step: cpu }]) => shown(cpu[process] ?? Number.NaN)),
      ]),
    ),
    ...workloads.flatMap(([name, { steps, statements }]) => [
      `### ${name}: PostgreSQL and flames`,
      `${shown(steps)} steps. What PostgreSQL says of its statements (\`pg_stat_statements\`), the dearest first:`,
      statementsText(statements),
      `[![${name}: the server's main thread](${IMAGES}/${flameFile(name, 'server')})](${IMAGES}/${flameFile(name, 'server')})`,
      `[![${name}: the worker's main thread](${IMAGES}/${flameFile(name, 'worker')})](${IMAGES}/${flameFile(name, 'worker')})`,
    ]),
  ].join('\n\n')
}

const totalOf = (budget: Readonly<Record<string, number>>): number => Object.values(budget).reduce((sum, us) => sum + us, 0)

const shareOf = (budget: Readonly<Record<string, number>>, part: string): readonly string[] => {
  const us = budget[part] ?? 0
  return [shown(us), `${shown((us / totalOf(budget)) * 100)} %`]
}

const STATEMENTS_SHOWN = 6
const STATEMENT_CHARS = 90

const statementsText = (statements: NonNullable<Results['profile']>['workloads'][string]['statements']): string => {
  const all = statements.reduce((sum, { us }) => sum + us, 0)
  return tableOf(
    ['statement', 'calls a step', 'rows a step', 'µs a step', 'share', 'WAL bytes a step'],
    statements
      .slice(0, STATEMENTS_SHOWN)
      .map(({ statement, calls, rows, us, wal_bytes }) => [
        `\`${statement.slice(0, STATEMENT_CHARS).replaceAll('|', '\\|').replaceAll('`', '')}\``,
        shown(calls),
        shown(rows),
        shown(us),
        `${shown((us / all) * 100)} %`,
        shown(wal_bytes),
      ]),
  )
}
