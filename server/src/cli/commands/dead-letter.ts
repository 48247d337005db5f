/** `tasker dlq …`: the tasks that a person should look at, and what is found out about them. */
import { type Command, Option } from 'commander'
import { deadLetter, deadLetterList, deadLetterStats, type DeadLetterAnswer, stalenessList } from '../answers.js'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { writeTable } from '../table.js'
import { type Binding, examples, wholeNumber } from './command.js'

const STATUSES = ['pending', 'manually_resolved', 'permanently_failed', 'cancelled']

export const addDeadLetterCommands = (program: Command, binding: Binding): void => {
  const dlq = program.command('dlq').description('the dead letters: tasks that a person should look at')
  addList(dlq, binding)
  addGet(dlq, binding)
  addAdd(dlq, binding)
  addUpdate(dlq, binding)
  dlq
    .command('stats')
    .description('figures by reason')
    .addHelpText('after', examples('tasker dlq stats'))
    .action((_flags: unknown, command: Command) => binding.run(command, stats))
  dlq
    .command('staleness')
    .description('open tasks that have been as they are for longest, the nearest to their threshold first')
    .option('--limit <number>', 'tasks at most', wholeNumber, 100)
    .addHelpText('after', examples('tasker dlq staleness --limit 20'))
    .action((flags: { readonly limit: number }, command: Command) =>
      binding.run(command, (context) => staleness(context, flags.limit)),
    )
}

interface ListFlags {
  readonly status?: string
  readonly reason?: string
  readonly limit: number
  readonly ranked?: boolean
}

const addList = (dlq: Command, binding: Binding): void => {
  dlq
    .command('list')
    .description('dead letters, newest first, or the most urgent first')
    .addOption(new Option('-s, --status <status>', 'only those').choices(STATUSES))
    .option('--reason <reason>', 'only those, such as staleness_timeout')
    .option('-l, --limit <number>', 'entries at most', wholeNumber, 50)
    .option('--ranked', 'pending entries, the most urgent first')
    .addHelpText('after', examples('tasker dlq list --status pending', 'tasker dlq list --ranked'))
    .action((flags: ListFlags, command: Command) => binding.run(command, (context) => list(context, flags)))
}

const list = async ({ http, json, namespace, terminal }: CommandContext, flags: ListFlags): Promise<ExitCode> => {
  const query = new URLSearchParams({ limit: String(flags.limit) })
  if (namespace !== undefined) query.set('namespace', namespace)
  if (flags.ranked !== true) {
    if (flags.status !== undefined) query.set('resolution_status', flags.status)
    if (flags.reason !== undefined) query.set('dlq_reason', flags.reason)
  }
  const path = flags.ranked === true ? '/v1/dlq/investigation-queue' : '/v1/dlq'
  const answer = await http.json({ method: 'GET', path: `${path}?${query.toString()}` }, deadLetterList)
  if (json) terminal.out(JSON.stringify(answer))
  else {
    const rows = answer.entries.map((entry) => [
      entry.entry_id,
      `${entry.namespace}/${entry.name}`,
      entry.dlq_reason,
      entry.resolution_status,
      entry.dlq_timestamp,
      entry.step_id ?? '',
    ])
    writeTable(terminal, ['ENTRY', 'TEMPLATE', 'REASON', 'STATUS', 'SINCE', 'STEP'], rows, 'no dead letter')
  }
  return EXIT.ok
}

const addGet = (dlq: Command, binding: Binding): void => {
  dlq
    .command('get <id>')
    .description('one dead letter: by its id, or the latest of a task by the id of the task')
    .addHelpText('after', examples('tasker dlq get 01JD…-1', 'tasker dlq get 01JD…'))
    .action((id: string, _flags: unknown, command: Command) =>
      binding.run(command, async (context) => {
        const entry = await context.http.json({ method: 'GET', path: pathOf(id) }, deadLetter)
        show(context, entry)
        return EXIT.ok
      }),
    )
}

const pathOf = (id: string): string => `/v1/dlq/${id.includes('-') ? 'entry' : 'task'}/${encodeURIComponent(id)}`

const show = ({ json, terminal }: CommandContext, entry: DeadLetterAnswer): void => {
  if (json) return terminal.out(JSON.stringify(entry))
  const lines: readonly (readonly [string, string | null | undefined])[] = [
    ['entry', entry.entry_id],
    ['task', `${entry.task_id} (${entry.namespace}/${entry.name}@${entry.version})`],
    ['reason', entry.dlq_reason],
    ['step', entry.step_id],
    ['task was', entry.original_state],
    ['since', entry.dlq_timestamp],
    ['status', entry.resolution_status],
    ['resolved', entry.resolution_timestamp],
    ['by', entry.resolved_by],
    ['notes', entry.resolution_notes],
  ]
  for (const [name, value] of lines)
    if (value !== null && value !== undefined) terminal.out(`${terminal.colours.dim(name.padEnd(9))} ${value}`)
}

interface SaidFlags {
  readonly notes?: string
  readonly by?: string
  readonly metadata?: string
}

const addAdd = (dlq: Command, binding: Binding): void => {
  dlq
    .command('add <task_id>')
    .description('put a task into the dead letters; it goes on as it would')
    .option('-n, --notes <text>', 'why')
    .option('-b, --by <name>', 'who says so')
    .option('--metadata <json>', 'a JSON object')
    .addHelpText('after', examples(`tasker dlq add 01JD… --notes 'customer disputes the amount' --by ann`))
    .action((taskId: string, flags: SaidFlags, command: Command) =>
      binding.run(command, async (context) => {
        const text = bodyText({ task_id: taskId, resolution_notes: flags.notes, by: flags.by }, flags.metadata)
        const body = { type: 'application/json', text }
        show(context, await context.http.json({ method: 'POST', path: '/v1/dlq', body }, deadLetter))
        return EXIT.ok
      }),
    )
}

const addUpdate = (dlq: Command, binding: Binding): void => {
  dlq
    .command('update <entry_id>')
    .description('write on a dead letter, or close it; the task is not touched')
    .addOption(new Option('-s, --status <status>', 'the new status').choices(STATUSES))
    .option('-n, --notes <text>', 'what was found')
    .option('-b, --by <name>', 'who says so')
    .option('--metadata <json>', 'a JSON object')
    .addHelpText('after', examples(`tasker dlq update 01JD…-1 --status manually_resolved --notes 'gateway is back' --by ann`))
    .action((id: string, flags: SaidFlags & { readonly status?: string }, command: Command) =>
      binding.run(command, async (context) => {
        const said = { resolution_status: flags.status, resolution_notes: flags.notes, resolved_by: flags.by }
        const body = { type: 'application/json', text: bodyText(said, flags.metadata) }
        const path = `/v1/dlq/entry/${encodeURIComponent(id)}`
        show(context, await context.http.json({ method: 'PATCH', path, body }, deadLetter))
        return EXIT.ok
      }),
    )
}

/** The metadata goes in as it was written: the server says what is wrong with it. */
const bodyText = (fields: object, metadata: string | undefined): string => {
  const text = JSON.stringify(fields)
  if (metadata === undefined) return text
  return `${text.slice(0, -1)}${text === '{}' ? '' : ','}"metadata":${metadata}}`
}

const stats = async ({ http, json, namespace, terminal }: CommandContext): Promise<ExitCode> => {
  const query = namespace === undefined ? '' : `?${new URLSearchParams({ namespace }).toString()}`
  const answer = await http.json({ method: 'GET', path: `/v1/dlq/stats${query}` }, deadLetterStats)
  if (json) terminal.out(JSON.stringify(answer))
  else {
    const rows = answer.stats.map((one) => [
      one.dlq_reason,
      String(one.total_entries),
      String(one.pending),
      String(one.manually_resolved),
      String(one.permanently_failed),
      String(one.cancelled),
      one.avg_resolution_time_minutes?.toFixed(1) ?? '',
    ])
    const headings = ['REASON', 'ENTRIES', 'PENDING', 'RESOLVED', 'FAILED', 'CANCELLED', 'MINUTES TO RESOLVE']
    writeTable(terminal, headings, rows, 'no dead letter')
  }
  return EXIT.ok
}

const staleness = async ({ http, json, namespace, terminal }: CommandContext, limit: number): Promise<ExitCode> => {
  const query = new URLSearchParams({ limit: String(limit) })
  if (namespace !== undefined) query.set('namespace', namespace)
  const answer = await http.json({ method: 'GET', path: `/v1/dlq/staleness?${query.toString()}` }, stalenessList)
  if (json) terminal.out(JSON.stringify(answer))
  else {
    const rows = answer.tasks.map((task) => [
      task.task_id,
      `${task.namespace}/${task.name}`,
      task.status,
      task.time_in_state_minutes.toFixed(1),
      String(task.staleness_threshold_minutes ?? 'none'),
      task.health_status,
    ])
    writeTable(terminal, ['TASK', 'TEMPLATE', 'STATUS', 'MINUTES', 'THRESHOLD', 'HEALTH'], rows, 'no open task')
  }
  return EXIT.ok
}
