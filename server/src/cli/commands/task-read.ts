/** The reading half of `tasker task …`: list, get, result, history, graph. */
import { type Command, Option } from 'commander'
import { eventList, graphAnswer, type ResultAnswer, resultAnswer, type TaskAnswer, taskAnswer, taskList } from '../answers.js'
import { type CommandContext } from '../context.js'
import { writeDescendants } from '../descendants.js'
import { eventLine } from '../event-line.js'
import { EXIT, type ExitCode } from '../exit.js'
import { graphPicture } from '../graph-picture.js'
import { writeTable } from '../table.js'
import { AT_TIME, AT_VERSION, type MomentFlags, momentQuery, writeMoment } from '../moment.js'
import { type Terminal } from '../terminal.js'
import { exitCodeOfStatus, isAtRest, statusText } from '../task-status.js'
import { type Binding, collected, examples, wholeNumber } from './command.js'
import { type ArchiveFlags, parseArchived, readArchived } from './task-archived.js'

/** How long one request for a result waits at the server. */
const RESULT_WAIT_SECONDS = 20
const RESULT_WAIT_SLACK_MS = 15_000
/** Pages of a history that one command prints. */
const HISTORY_PAGES_MAX = 10_000
const HISTORY_PAGE_EVENTS = 500

export const taskPath = (taskId: string): string => `/v1/tasks/${encodeURIComponent(taskId)}`

export const addTaskReadCommands = (task: Command, binding: Binding): void => {
  addList(task, binding)
  addGet(task, binding)
  addResult(task, binding)
  addHistory(task, binding)
  addGraph(task, binding)
}

interface ListFlags {
  readonly status?: readonly string[]
  readonly name?: string
  readonly tag?: string
  readonly initiator?: string
  readonly correlationId?: string
  readonly limit?: number
  readonly cursor?: string
}

const addList = (task: Command, binding: Binding): void => {
  task
    .command('list')
    .description('the newest tasks')
    .option('--status <status>', 'only these; may be repeated', collected)
    .option('--name <template>', 'only tasks of this template')
    .option('--tag <tag>', 'only tasks with this tag')
    .option('--initiator <name>', 'only tasks started by this one')
    .option('--correlation-id <id>', 'only tasks with this correlation id')
    .option('--limit <count>', 'at most so many', wholeNumber)
    .option('--cursor <cursor>', 'the next page, as the last one named it')
    .addHelpText(
      'after',
      examples('tasker task list --status blocked_by_failures', 'tasker task list --namespace shop --limit 10 --json'),
    )
    .action((flags: ListFlags, command: Command) => binding.run(command, (context) => list(context, flags)))
}

const list = async ({ http, json, namespace, terminal }: CommandContext, flags: ListFlags): Promise<ExitCode> => {
  const { correlationId, ...same } = pickListFlags(flags)
  const query = { namespace, ...same, correlation_id: correlationId }
  if (json) {
    terminal.out((await http.send({ method: 'GET', path: '/v1/tasks', query })).text)
    return EXIT.ok
  }
  const { tasks, next_cursor: cursor } = await http.json({ method: 'GET', path: '/v1/tasks', query }, taskList)
  const rows = tasks.map((task) => [
    task.task_id,
    templateText(task),
    statusText(task.status, terminal.colours),
    task.created_at,
    task.tags.join(' '),
  ])
  writeTable(terminal, ['TASK', 'TEMPLATE', 'STATUS', 'CREATED', 'TAGS'], rows, 'no task fits')
  if (cursor) terminal.err(terminal.colours.dim(`more with: --cursor ${cursor}`))
  return EXIT.ok
}

const pickListFlags = ({ status, name, tag, initiator, correlationId, limit, cursor }: ListFlags): ListFlags => ({
  ...(status && { status }),
  ...(name !== undefined && { name }),
  ...(tag !== undefined && { tag }),
  ...(initiator !== undefined && { initiator }),
  ...(correlationId !== undefined && { correlationId }),
  ...(limit !== undefined && { limit }),
  ...(cursor !== undefined && { cursor }),
})

export const templateText = (task: { readonly namespace: string; readonly name: string; readonly version: string }): string =>
  `${task.namespace}/${task.name}@${task.version}`

const addGet = (task: Command, binding: Binding): void => {
  task
    .command('get <task_id>')
    .description('a task with its steps, now or as it was')
    .option(...AT_VERSION)
    .option(...AT_TIME)
    .option('--archive', 'out of its archive, with its history')
    .option('--archive-dir <directory>', 'out of the archives in a directory, without a server')
    .addHelpText(
      'after',
      examples(
        'tasker task get 01JD…',
        'tasker task get 01JD… --at-version 12',
        'tasker task get 01JD… --json | jq .steps',
        'tasker task get 01JD… --archive --archive-dir /var/lib/tasker/archive',
      ),
    )
    .action((taskId: string, flags: MomentFlags & ArchiveFlags, command: Command) =>
      binding.run(command, async (context) => {
        if (flags.archive === true || flags.archiveDir !== undefined) return getArchived(context, taskId, flags)
        const request = { method: 'GET', path: taskPath(taskId), query: momentQuery(flags) } as const
        if (context.json) context.terminal.out((await context.http.send(request)).text)
        else writeTask(context, await context.http.json(request, taskAnswer))
        return EXIT.ok
      }),
    )
}

const getArchived = async (context: CommandContext, taskId: string, flags: ArchiveFlags): Promise<ExitCode> => {
  const { json, terminal } = context
  const text = await readArchived(context, taskId, flags)
  if (json) {
    terminal.out(text)
    return EXIT.ok
  }
  const task = parseArchived(text)
  writeTask(context, task)
  terminal.out('')
  for (const event of task.events) terminal.out(eventLine(event, terminal.colours))
  terminal.out('')
  terminal.out(terminal.colours.dim(`from the archive ${task.archive}`))
  return EXIT.ok
}

const writeTask = ({ terminal }: CommandContext, task: TaskAnswer): void => {
  const { colours } = terminal
  terminal.out(`${colours.bold(task.task_id)}  ${templateText(task)}  ${statusText(task.status, colours)}`)
  terminal.out(colours.dim(`created ${task.created_at}${task.ended_at ? `, ended ${task.ended_at}` : ''}`))
  if (task.parent) terminal.out(colours.dim(`child ${task.parent.key} of task ${task.parent.task_id}`))
  writeMoment(terminal, task.as_of)
  terminal.out('')
  const rows = task.steps.map((step) => [step.step_id, statusText(step.status, colours), String(step.attempts), noteOf(step)])
  writeTable(terminal, ['STEP', 'STATUS', 'ATTEMPTS', 'NOTE'], rows, 'no steps')
  if (task.children.length === 0) return
  terminal.out('')
  const children = task.children.map((child) => [child.task_id, child.name, child.key, child.outcome])
  writeTable(terminal, ['CHILD', 'NAME', 'KEY', 'OUTCOME'], children, '')
}

const noteOf = (step: TaskAnswer['steps'][number]): string => {
  const { waiting_for_key: wait, key_line: line } = step
  if (wait) {
    const ahead = line?.ahead === undefined || line.ahead === null ? '' : `, ${line.ahead} ahead`
    return `waits for ${wait.kind} key ${wait.key}${ahead}, limit ${wait.limit}`
  }
  return step.next_retry_at ? `next attempt ${step.next_retry_at}` : (step.last_failure?.message.split('\n')[0] ?? '')
}

const addResult = (task: Command, binding: Binding): void => {
  task
    .command('result <task_id>')
    .description('the result of a task; exit 0 when it is complete, 1 otherwise')
    .option('--wait-seconds <seconds>', 'wait so long for the end', wholeNumber, 0)
    .addHelpText('after', examples('tasker task result 01JD…', 'tasker task result 01JD… --wait-seconds 60 --json'))
    .action((taskId: string, flags: { readonly waitSeconds: number }, command: Command) =>
      binding.run(command, (context) => writeResult(context, taskId, flags.waitSeconds)),
    )
}

/** Prints the result, waiting up to so many seconds for it; the exit code tells how the task ended. */
export const writeResult = async (context: CommandContext, taskId: string, waitSeconds: number): Promise<ExitCode> => {
  const { http, json, terminal } = context
  const patienceAt = performance.now() + waitSeconds * 1_000
  for (;;) {
    const leftSeconds = Math.max(0, Math.min(RESULT_WAIT_SECONDS, Math.ceil((patienceAt - performance.now()) / 1_000)))
    const answer = await http.send({
      method: 'GET',
      path: `${taskPath(taskId)}/result`,
      query: { wait_seconds: leftSeconds },
      timeoutMs: leftSeconds * 1_000 + RESULT_WAIT_SLACK_MS,
    })
    const outcome = resultAnswer.parse(JSON.parse(answer.text))
    if (!isAtRest(outcome.status) && performance.now() < patienceAt) continue
    if (json) terminal.out(answer.text)
    else writeOutcome(terminal, outcome)
    return exitCodeOfStatus(outcome.status)
  }
}

/** The result alone on stdout; everything else that can be said of an outcome on stderr. */
export const writeOutcome = (terminal: Terminal, outcome: ResultAnswer): void => {
  if (outcome.status === 'complete') return terminal.out(JSON.stringify(outcome.result, undefined, 2))
  const why = outcome.reason ? `: ${outcome.reason}` : ''
  terminal.err(`task ${outcome.task_id} is ${statusText(outcome.status, terminal.colours)}${why}`)
  if (outcome.failure) terminal.err(`  ${outcome.failure.code}: ${outcome.failure.message}`)
  for (const { step_id: step, failure } of outcome.blocked_steps) {
    terminal.err(`  ${step}: ${failure.error_type ?? 'failure'}: ${failure.message.split('\n')[0] ?? ''}`)
  }
}

const addHistory = (task: Command, binding: Binding): void => {
  task
    .command('history <task_id>')
    .description('every event of a task, from the first')
    .addHelpText('after', examples('tasker task history 01JD…', 'tasker task history 01JD… --json | jq length'))
    .action((taskId: string, _flags: unknown, command: Command) =>
      binding.run(command, async (context) => {
        const { terminal } = context
        const all: unknown[] = []
        for await (const page of historyPages(context, taskId)) {
          if (context.json) all.push(...page)
          else for (const event of page) terminal.out(eventLine(event, terminal.colours))
        }
        if (context.json) terminal.out(JSON.stringify(all))
        return EXIT.ok
      }),
    )
}

async function* historyPages({ http }: CommandContext, taskId: string) {
  let cursor: string | undefined
  for (let page = 0; page < HISTORY_PAGES_MAX; page++) {
    const query = { limit: HISTORY_PAGE_EVENTS, cursor }
    const answer = await http.json({ method: 'GET', path: `${taskPath(taskId)}/events`, query }, eventList)
    yield answer.events
    if (!answer.next_cursor) return
    cursor = answer.next_cursor
  }
}

const addGraph = (task: Command, binding: Binding): void => {
  task
    .command('graph <task_id>')
    .description('the steps of a task and what they wait for, now or as it was')
    .option(...AT_VERSION)
    .option(...AT_TIME)
    .addOption(new Option('--format <format>', 'how to draw it').choices(['text', 'mermaid', 'json']).default('text'))
    .addHelpText('after', examples('tasker task graph 01JD…', 'tasker task graph 01JD… --format mermaid > task.mmd'))
    .action((taskId: string, flags: GraphFlags, command: Command) =>
      binding.run(command, (context) => graph(context, taskId, flags)),
    )
}

interface GraphFlags extends MomentFlags {
  readonly format: string
}

const graph = async ({ http, json, terminal }: CommandContext, taskId: string, flags: GraphFlags): Promise<ExitCode> => {
  const path = `${taskPath(taskId)}/graph`
  const query = momentQuery(flags)
  if (json || flags.format === 'json') terminal.out((await http.send({ method: 'GET', path, query })).text)
  else if (flags.format === 'mermaid') {
    terminal.out((await http.send({ method: 'GET', path, query: { ...query, format: 'mermaid' } })).text.trimEnd())
  } else {
    const read = await http.json({ method: 'GET', path, query }, graphAnswer)
    writeMoment(terminal, read.as_of)
    const status = new Map(read.nodes.map((node) => [node.id, node.status ?? '']))
    const mark = (name: string): string => markOf(status.get(name) ?? '', name, terminal.colours)
    for (const line of graphPicture({ nodes: read.nodes.map(({ id }) => id), edges: read.edges }, mark)) terminal.out(line)
    const rows = read.nodes.map((node) => [node.id, statusText(node.status ?? '', terminal.colours)])
    terminal.out('')
    writeTable(terminal, ['STEP', 'STATUS'], rows, 'no steps')
    writeDescendants(terminal, read.children)
  }
  return EXIT.ok
}

const markOf = (status: string, name: string, colours: CommandContext['terminal']['colours']): string => {
  if (status === 'complete') return colours.green(name)
  if (status === 'error' || status === 'cancelled') return colours.red(name)
  if (status === 'not_taken' || status === 'uncreated') return colours.dim(name)
  return status === 'in_progress' || status === 'waiting_for_retry' ? colours.yellow(name) : name
}
