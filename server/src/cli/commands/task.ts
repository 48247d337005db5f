/** `tasker task …`: submit a task, look at it, follow it, cancel it. */
import { type Command, Option } from 'commander'
import { durationFlag } from '../duration.js'
import { EXIT, type ExitCode } from '../exit.js'
import { type CommandContext } from '../context.js'
import { eventLine } from '../event-line.js'
import { followTask } from '../follow.js'
import { jsonSource, type SubmitFlags, submitTask } from '../submission.js'
import { exitCodeOfStatus, statusText } from '../task-status.js'
import { templateRef } from '../template-ref.js'
import { type Binding, collected, examples, wholeNumber } from './command.js'
import { addDiffCommand } from './task-diff.js'
import { addTaskExplainCommands } from './task-explain.js'
import { addReplayCommand } from './task-replay.js'
import { addOrderCommands } from './task-orders.js'
import { addSignalCommands } from './task-signal.js'
import { addTaskReadCommands, taskPath, writeResult } from './task-read.js'

export const addTaskCommands = (program: Command, binding: Binding): void => {
  const task = program.command('task').description('submit, follow and cancel tasks')
  addSubmit(task, binding)
  addTaskReadCommands(task, binding)
  addTaskExplainCommands(task, binding)
  addReplayCommand(task, binding)
  addDiffCommand(task, binding)
  addWatch(task, binding)
  addCancel(task, binding)
  addOrderCommands(task, binding)
  addSignalCommands(task, binding)
}

interface SubmitCommandFlags extends SubmitFlags {
  readonly context: string
  readonly wait?: boolean
}

const addSubmit = (task: Command, binding: Binding): void => {
  task
    .command('submit <template>')
    .description('start a task of a template: name, namespace/name or namespace/name@version')
    .option('--context <json>', 'the input: JSON, @file, or - for stdin', '{}')
    .option('--wait', 'wait for the end and print the result')
    .option('--request-id <ulid>', 'makes a repeat of this very submission give the same task (made up when not given)')
    .option('--idempotency-key <key>', 'one task for this key, namespace and template')
    .addOption(new Option('--on-duplicate <answer>', 'when the key was used before').choices(['reject', 'return']))
    .option('--tag <tag>', 'a tag; may be repeated', collected)
    .option('--priority <number>', 'higher goes first', wholeNumber)
    .option('--initiator <name>', 'who starts it')
    .option('--source-system <name>', 'where the wish comes from')
    .option('--reason <text>', 'why')
    .option('--correlation-id <id>', 'an id that ties it to other work')
    .option('--run-at <instant>', 'not before, such as 2030-01-31T08:00:00Z')
    .option('--signal <name>', 'a signal for the task, whether this starts it or it is there')
    .option('--signal-payload <json>', 'what the signal says: JSON, or @file')
    .option('--delay <duration>', 'not before so long has passed, such as 10m', durationFlag)
    .addHelpText(
      'after',
      examples(
        `tasker task submit shop/order_fulfillment --context '{"order_id":"A-1"}' --wait`,
        'tasker task submit order_fulfillment --namespace shop --context @order.json --idempotency-key A-1',
        'cat order.json | tasker task submit shop/order_fulfillment@1.0.0 --context - --json',
      ),
    )
    .action((template: string, flags: SubmitCommandFlags, command: Command) =>
      binding.run(command, (context) => submit(context, template, flags, binding.host.stdin)),
    )
}

const submit = async (
  context: CommandContext,
  template: string,
  flags: SubmitCommandFlags,
  stdin: NodeJS.ReadableStream,
): Promise<ExitCode> => {
  const { terminal, http } = context
  const input = await jsonSource(flags.context, stdin, 'context')
  const payload = flags.signalPayload === undefined ? 'null' : await jsonSource(flags.signalPayload, stdin, 'signal payload')
  const submitted = await submitTask(
    http,
    templateRef(template, context.namespace),
    input,
    { ...flags, signalPayload: payload },
    (fault, tryNumber) =>
      terminal.err(
        `${terminal.colours.yellow('again')} try ${tryNumber} did not succeed (${fault.message}); next with the same request id`,
      ),
  )
  if (flags.wait) return waitForEnd(context, submitted.taskId)
  if (context.json) terminal.out(submitted.text)
  else {
    terminal.out(`${submitted.taskId}${submitted.existing ? ' (was there already)' : ''}`)
    terminal.err(terminal.colours.dim(`follow it with: tasker task watch ${submitted.taskId}`))
  }
  return EXIT.ok
}

/** Follows the task silently, then prints its result: one stream instead of many polls, and restarts of the server are ridden out. */
const waitForEnd = async (context: CommandContext, taskId: string): Promise<ExitCode> => {
  if (!context.json) context.terminal.err(context.terminal.colours.dim(`task ${taskId}`))
  const events = followTask(context.http, taskId)
  while (!(await events.next()).done);
  return writeResult(context, taskId, 0)
}

const addWatch = (task: Command, binding: Binding): void => {
  task
    .command('watch <task_id>')
    .description('follow the events of a task live until its end; exit 0 when it completes, 1 otherwise')
    .option('--after-version <number>', 'skip the events up to this one', wholeNumber, 0)
    .addHelpText('after', examples('tasker task watch 01JD…', 'tasker task watch 01JD… --json | jq .type'))
    .action((taskId: string, flags: { readonly afterVersion: number }, command: Command) =>
      binding.run(command, (context) => watch(context, taskId, flags.afterVersion)),
    )
}

/** Prints one line an event, or one JSON object a line. */
const watch = async (context: CommandContext, taskId: string, afterVersion: number): Promise<ExitCode> => {
  const { terminal, http } = context
  const events = followTask(http, taskId, {
    afterVersion,
    onReconnect: (fault) => terminal.err(`${terminal.colours.yellow('again')} ${fault.message}`),
  })
  for (;;) {
    const next = await events.next()
    if (next.done) {
      if (!context.json) terminal.out(`task ${taskId} is ${statusText(next.value, terminal.colours)}`)
      return exitCodeOfStatus(next.value)
    }
    terminal.out(context.json ? JSON.stringify(next.value) : eventLine(next.value, terminal.colours))
  }
}

const addCancel = (task: Command, binding: Binding): void => {
  task
    .command('cancel <task_id>')
    .description('cancel a task: running steps are told, and have a grace to end')
    .option('--reason <text>', 'why, for the history')
    .addHelpText('after', examples(`tasker task cancel 01JD… --reason 'customer left'`))
    .action((taskId: string, flags: { readonly reason?: string }, command: Command) =>
      binding.run(command, async ({ http, json, terminal }) => {
        const body = { type: 'application/json', text: JSON.stringify({ reason: flags.reason }) }
        const answer = await http.send({ method: 'POST', path: `${taskPath(taskId)}/cancel`, body })
        terminal.out(json ? answer.text : `cancellation of task ${taskId} requested`)
        return EXIT.ok
      }),
    )
}
