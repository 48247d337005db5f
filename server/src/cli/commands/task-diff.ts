/** `tasker task diff`: what is different about two tasks. Ends as `diff` does: 0 when they are the same, 1 when they differ. */
import { type Command } from 'commander'
import { diffAnswer } from '../answers.js'
import { type CommandContext } from '../context.js'
import { writeDifference } from '../difference.js'
import { EXIT, type ExitCode } from '../exit.js'
import { type Binding, examples } from './command.js'
import { taskPath } from './task-read.js'

export const addDiffCommand = (task: Command, binding: Binding): void => {
  task
    .command('diff <task_id> <other_task_id>')
    .description('what is different about two tasks, and where they parted; exit 0 when they are the same, 1 when they differ')
    .addHelpText('after', examples('tasker task diff 01JD… 01JE…', 'tasker task diff 01JD… 01JE… --json | jq .first_divergence'))
    .action((taskId: string, other: string, _flags: unknown, command: Command) =>
      binding.run(command, (context) => diff(context, taskId, other)),
    )
}

const diff = async ({ http, json, terminal }: CommandContext, taskId: string, other: string): Promise<ExitCode> => {
  const { text } = await http.send({ method: 'GET', path: `${taskPath(taskId)}/diff`, query: { other } })
  const found = diffAnswer.parse(JSON.parse(text))
  if (json) terminal.out(text)
  else writeDifference(terminal, taskId, other, found)
  return found.same ? EXIT.ok : EXIT.failed
}
