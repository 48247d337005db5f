/** `tasker task signal|state`: durable functions from outside. */
import type { Command } from 'commander'
import { ulid } from 'ulid'
import { z } from 'zod'
import { EXIT } from '../exit.js'
import { jsonSource } from '../submission.js'
import { writeTable } from '../table.js'
import { type Binding, examples } from './command.js'
import { taskPath } from './task-read.js'

const stateAnswer = z.looseObject({ state: z.record(z.string(), z.unknown()) })

export const addSignalCommands = (task: Command, binding: Binding): void => {
  addSignal(task, binding)
  addState(task, binding)
}

interface SignalFlags {
  readonly payload: string
  readonly requestId?: string
}

const addSignal = (task: Command, binding: Binding): void => {
  task
    .command('signal <task_id> <name>')
    .description('tell a durable function something that it waits for, or will ask for')
    .option('--payload <json>', 'what it is told: JSON, @file, or - for stdin', 'null')
    .option('--request-id <id>', 'makes a repeat of this very signal the same signal (made up when not given)')
    .addHelpText('after', examples(`tasker task signal 01JD… approved --payload '{"by":"ann"}'`))
    .action((taskId: string, name: string, flags: SignalFlags, command: Command) =>
      binding.run(command, async ({ http, json, terminal }) => {
        const text = await jsonSource(flags.payload, binding.host.stdin, 'payload')
        const path = `${taskPath(taskId)}/signals/${encodeURIComponent(name)}`
        const headers = { 'tasker-request-id': flags.requestId ?? ulid() }
        const answer = await http.send({ method: 'POST', path, headers, body: { type: 'application/json', text } })
        terminal.out(json ? answer.text : `task ${taskId} was told ${name}`)
        return EXIT.ok
      }),
    )
}

const addState = (task: Command, binding: Binding): void => {
  task
    .command('state <task_id>')
    .description('what a durable function shows')
    .addHelpText('after', examples('tasker task state 01JD…', 'tasker task state 01JD… --json | jq .state'))
    .action((taskId: string, _flags: unknown, command: Command) =>
      binding.run(command, async ({ http, json, terminal }) => {
        const { text } = await http.send({ method: 'GET', path: `${taskPath(taskId)}/state` })
        if (json) terminal.out(text)
        else {
          const rows = Object.entries(stateAnswer.parse(JSON.parse(text)).state).map(([key, value]) => [
            key,
            JSON.stringify(value),
          ])
          writeTable(terminal, ['KEY', 'VALUE'], rows, 'it shows nothing')
        }
        return EXIT.ok
      }),
    )
}
