/** `tasker task explain` and `tasker task compensation`: why steps do not run, and what taking a task back does. */
import { type Command } from 'commander'
import { z } from 'zod'
import { explanationAnswer } from '../answers.js'
import { type CommandContext } from '../context.js'
import { writeDescendants } from '../descendants.js'
import { EXIT, type ExitCode } from '../exit.js'
import { writeExplanation } from '../explanation.js'
import { AT_TIME, AT_VERSION, type MomentFlags, momentQuery } from '../moment.js'
import { writeTable } from '../table.js'
import { type Binding, examples } from './command.js'
import { taskPath } from './task-read.js'

export const addTaskExplainCommands = (task: Command, binding: Binding): void => {
  task
    .command('explain <task_id>')
    .description('why each step that is not running is not, and what would make it go on')
    .option(...AT_VERSION)
    .option(...AT_TIME)
    .addHelpText('after', examples('tasker task explain 01JD…', 'tasker task explain 01JD… --at-version 12'))
    .action((taskId: string, flags: MomentFlags, command: Command) =>
      binding.run(command, (context) => explain(context, taskId, flags)),
    )
  task
    .command('compensation <task_id>')
    .description('what taking the task back would do: which steps, in which order, by which handlers')
    .addHelpText('after', examples('tasker task compensation 01JD…'))
    .action((taskId: string, _flags: unknown, command: Command) =>
      binding.run(command, (context) => compensation(context, taskId)),
    )
}

const explain = async (context: CommandContext, taskId: string, flags: MomentFlags): Promise<ExitCode> => {
  const { http, json, terminal } = context
  const request = { method: 'GET', path: `${taskPath(taskId)}/explain`, query: momentQuery(flags) } as const
  if (json) terminal.out((await http.send(request)).text)
  else {
    const told = await http.json(request, explanationAnswer)
    writeExplanation(terminal, taskId, told)
    writeDescendants(terminal, told.children)
  }
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
