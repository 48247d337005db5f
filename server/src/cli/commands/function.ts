/** `tasker function check`: whether recorded tasks fit the code that is about to be deployed. */
import type { Command } from 'commander'
import type { CommandContext } from '../context.js'
import { durationFlag } from '../duration.js'
import { EXIT, type ExitCode, usageFault } from '../exit.js'
import { checkFunctions, type Checked, type CheckedTask } from '../function-check.js'
import { type LocalFunction, localFunctions } from '../function-modules.js'
import { type Binding, examples } from './command.js'

interface CheckFlags {
  readonly since: number
  readonly name?: string
  readonly functionVersion?: string
}

const SINCE_MS_DEFAULT = 86_400_000

export const addFunctionCommands = (program: Command, binding: Binding): void => {
  const group = program.command('function').description('durable functions')
  group
    .command('check <module...>')
    .description('replay recorded tasks against the durable functions that modules export; fails for those that would diverge')
    .option(
      '--since <duration>',
      'tasks that ended within so long, such as 24h; open ones always',
      durationFlag,
      SINCE_MS_DEFAULT,
    )
    .option('--name <function>', 'only this function')
    .option('--function-version <version>', 'only tasks of this version')
    .addHelpText(
      'after',
      examples(
        'tasker function check --since 24h dist/functions.js',
        'tasker function check dist/functions.js --namespace shop --name renewal --json',
      ),
    )
    .action((modules: readonly string[], flags: CheckFlags, command: Command) =>
      binding.run(command, (context) => check(context, modules, flags)),
    )
}

const check = async (context: CommandContext, modules: readonly string[], flags: CheckFlags): Promise<ExitCode> => {
  const functions = chosen(await localFunctions(modules), context.namespace, flags.name)
  const since = new Date(Date.now() - flags.since).toISOString()
  const counts: Record<Checked['type'], number> = { fits: 0, diverges: 0, fails: 0, no_code: 0, gone: 0 }
  const withoutCode = new Map<string, number>()
  for await (const one of checkFunctions(context.http, functions, { since, version: flags.functionVersion })) {
    counts[one.checked.type]++
    if (one.checked.type === 'no_code') countUp(withoutCode, templateOf(one))
    if (one.checked.type === 'diverges' || one.checked.type === 'fails') write(context, one)
  }
  writeCounts(context, counts, withoutCode)
  return counts.diverges + counts.fails === 0 ? EXIT.ok : EXIT.failed
}

const chosen = (
  functions: readonly LocalFunction[],
  namespace: string | undefined,
  name: string | undefined,
): readonly LocalFunction[] => {
  const fit = functions.filter((of) => (namespace ?? of.namespace) === of.namespace && (name ?? of.name) === of.name)
  if (fit.length > 0) return fit
  const known = functions.map((of) => `${of.namespace}/${of.name}`).join(', ')
  throw usageFault('the modules export no such function', `there are ${known}`)
}

const countUp = (counts: Map<string, number>, name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1)

const templateOf = ({ task }: CheckedTask): string => `${task.namespace}/${task.name}@${task.version}`

const write = ({ json, terminal }: CommandContext, one: CheckedTask): void => {
  const { task, checked } = one
  if (json) {
    const { task_id: taskId, namespace, name, version, status } = task
    return terminal.out(
      JSON.stringify({ task_id: taskId, namespace, name, version, status, outcome: checked.type, ...said(checked) }),
    )
  }
  terminal.out(`${terminal.colours.red(checked.type)}  ${task.task_id}  ${templateOf(one)}  ${task.status}`)
  for (const [what, text] of Object.entries(said(checked))) if (text !== '') terminal.out(`  ${what}: ${text}`)
}

const said = (checked: Checked): Readonly<Record<string, string>> => {
  if (checked.type === 'fails') return { message: checked.message }
  if (checked.type !== 'diverges') return {}
  const { expected, actual, line } = checked
  return { expected, actual, line }
}

const writeCounts = (
  { json, terminal }: CommandContext,
  counts: Readonly<Record<Checked['type'], number>>,
  withoutCode: ReadonlyMap<string, number>,
): void => {
  const { fits, diverges, fails, gone } = counts
  if (json) {
    return terminal.out(JSON.stringify({ fits, diverges, fails, gone, no_code: Object.fromEntries(withoutCode) }))
  }
  for (const [name, count] of withoutCode) terminal.out(`${count} of ${name} not checked: the modules have no such version`)
  if (gone > 0) terminal.out(`${gone} not checked: archived`)
  const bad = [diverges > 0 ? `${diverges} would diverge` : '', fails > 0 ? `${fails} would fail` : ''].filter(
    (text) => text !== '',
  )
  terminal.out([`${fits} fit`, ...bad].join(', '))
}
