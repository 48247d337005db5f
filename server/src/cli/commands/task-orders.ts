/** `tasker task pause|resume|retry|resolve|bulk`: what operators order of tasks. */
import { type Command, Option } from 'commander'
import { bulkAnswer } from '../answers.js'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { writeTable } from '../table.js'
import { type Binding, collected, examples, wholeNumber } from './command.js'
import { taskPath } from './task-read.js'

const ORDERS = [
  { name: 'pause', does: 'nothing of the task starts until it is resumed; what runs goes on', said: 'paused' },
  { name: 'resume', does: 'a paused task goes on', said: 'resumed' },
  { name: 'retry', does: 'every failed step of the task is tried again, with a new budget of attempts', said: 'goes on' },
  { name: 'resolve', does: 'a blocked task is closed as it is', said: 'resolved' },
] as const

export const addOrderCommands = (task: Command, binding: Binding): void => {
  for (const order of ORDERS) addOrder(task, binding, order)
  addBulk(task, binding)
}

interface SaidFlags {
  readonly reason?: string
  readonly by?: string
}

const addOrder = (task: Command, binding: Binding, { name, does, said }: (typeof ORDERS)[number]): void => {
  task
    .command(`${name} <task_id>`)
    .description(does)
    .option('--reason <text>', 'why, for the history')
    .option('--by <name>', 'who orders it')
    .addHelpText('after', examples(`tasker task ${name} 01JD… --reason 'gateway is down' --by ann`))
    .action((taskId: string, flags: SaidFlags, command: Command) =>
      binding.run(command, async ({ http, json, terminal }) => {
        const body = { type: 'application/json', text: JSON.stringify({ reason: flags.reason, by: flags.by }) }
        const answer = await http.send({ method: 'POST', path: `${taskPath(taskId)}/${name}`, body })
        terminal.out(json ? answer.text : `task ${taskId} ${said}`)
        return EXIT.ok
      }),
    )
}

interface BulkFlags {
  readonly action: string
  readonly name?: string
  readonly version?: string
  readonly status?: readonly string[]
  readonly tag?: string
  readonly initiator?: string
  readonly correlationId?: string
  readonly text?: string
  readonly reason?: string
  readonly limit: number
  readonly cursor?: string
  readonly dryRun?: boolean
}

const addBulk = (task: Command, binding: Binding): void => {
  task
    .command('bulk')
    .description('give one order to every task that a filter finds, a page a call; exit 1 when a task refuses it')
    .addOption(new Option('--action <action>', 'the order').choices(['cancel', 'pause', 'resume', 'retry']).makeOptionMandatory())
    .option('--name <name>', 'tasks of this template')
    .option('--version <version>', 'of this version')
    .option('--status <status>', 'in this status; may be repeated', collected)
    .option('--tag <tag>', 'with this tag')
    .option('--initiator <name>', 'started by')
    .option('--correlation-id <id>', 'with this correlation id')
    .option('-q, --text <text>', 'that a search for this text finds')
    .option('--reason <text>', 'why, for the histories')
    .option('--limit <number>', 'tasks of this call', wholeNumber, 50)
    .option('--cursor <cursor>', 'go on where the call before ended')
    .option('--dry-run', 'say which tasks would be given the order, and do nothing')
    .addHelpText(
      'after',
      examples(
        'tasker task bulk --action retry --namespace shop --name order --dry-run',
        `tasker task bulk --action pause --tag nightly --reason 'database is moved'`,
      ),
    )
    .action((flags: BulkFlags, command: Command) => binding.run(command, (context) => bulk(context, flags)))
}

const bulk = async ({ http, json, namespace, terminal }: CommandContext, flags: BulkFlags): Promise<ExitCode> => {
  const order = {
    action: flags.action,
    filter: {
      namespace,
      name: flags.name,
      version: flags.version,
      status: flags.status,
      tag: flags.tag,
      initiator: flags.initiator,
      correlation_id: flags.correlationId,
      q: flags.text,
    },
    dry_run: flags.dryRun,
    reason: flags.reason,
    limit: flags.limit,
    cursor: flags.cursor,
  }
  const body = { type: 'application/json', text: JSON.stringify(order) }
  const report = await http.json({ method: 'POST', path: '/v1/tasks/bulk', body }, bulkAnswer)
  if (json) terminal.out(JSON.stringify(report))
  else {
    const rows = report.tasks.map((one) => [one.task_id, one.status, one.outcome, one.message ?? ''])
    writeTable(terminal, ['TASK', 'STATUS', 'OUTCOME', ''], rows, 'no task matches')
    if (report.next_cursor) terminal.err(terminal.colours.dim(`more: --cursor ${report.next_cursor}`))
  }
  return report.refused + report.failed === 0 ? EXIT.ok : EXIT.failed
}
