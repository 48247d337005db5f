/** `tasker task explain` and `tasker task compensation`: why steps do not run, and what taking a task back does. */
import { type Command } from 'commander'
import { z } from 'zod'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { writeTable } from '../table.js'
import { statusText } from '../task-status.js'
import { type Binding, examples } from './command.js'
import { taskPath } from './task-read.js'

export const addTaskExplainCommands = (task: Command, binding: Binding): void => {
  task
    .command('explain <task_id>')
    .description('why each step that is not running is not, and what would make it go on')
    .addHelpText('after', examples('tasker task explain 01JD…'))
    .action((taskId: string, _flags: unknown, command: Command) => binding.run(command, (context) => explain(context, taskId)))
  task
    .command('compensation <task_id>')
    .description('what taking the task back would do: which steps, in which order, by which handlers')
    .addHelpText('after', examples('tasker task compensation 01JD…'))
    .action((taskId: string, _flags: unknown, command: Command) =>
      binding.run(command, (context) => compensation(context, taskId)),
    )
}

const explanation = z.looseObject({
  status: z.string(),
  steps: z.array(z.looseObject({ step_id: z.string(), status: z.string(), why: z.string(), unblocked_by: z.string() })),
})

const explain = async ({ http, json, terminal }: CommandContext, taskId: string): Promise<ExitCode> => {
  const request = { method: 'GET', path: `${taskPath(taskId)}/explain` } as const
  if (json) {
    terminal.out((await http.send(request)).text)
    return EXIT.ok
  }
  const { status, steps } = await http.json(request, explanation)
  terminal.out(`task ${taskId} is ${statusText(status, terminal.colours)}`)
  const rows = steps.map((step) => [step.step_id, statusText(step.status, terminal.colours), step.why, step.unblocked_by])
  writeTable(terminal, ['STEP', 'STATUS', 'WHY', 'GOES ON WITH'], rows, 'every step that could run does')
  return EXIT.ok
}

const preview = z.looseObject({
  state: z.string(),
  steps: z.array(z.looseObject({ step_id: z.string(), handler: z.string(), state: z.string(), after: z.array(z.string()) })),
  without_way_back: z.array(z.string()),
})

const compensation = async ({ http, json, terminal }: CommandContext, taskId: string): Promise<ExitCode> => {
  const request = { method: 'GET', path: `${taskPath(taskId)}/compensation` } as const
  if (json) {
    terminal.out((await http.send(request)).text)
    return EXIT.ok
  }
  const { state, steps, without_way_back: without } = await http.json(request, preview)
  terminal.out(`compensation of ${taskId}: ${state}`)
  const rows = steps.map((step) => [step.step_id, step.handler, step.state, step.after.join(', ')])
  writeTable(terminal, ['STEP', 'HANDLER', 'STATE', 'AFTER'], rows, 'nothing to take back')
  if (without.length > 0) terminal.out(`without a way back: ${without.join(', ')}`)
  return EXIT.ok
}
