/** `tasker task signal|update|state`: durable functions from outside. */
import type { Command } from 'commander'
import { ulid } from 'ulid'
import { z } from 'zod'
import { EXIT } from '../exit.js'
import { jsonSource } from '../submission.js'
import { writeTable } from '../table.js'
import { type Binding, examples, wholeNumber } from './command.js'
import { taskPath } from './task-read.js'

const stateAnswer = z.looseObject({ state: z.record(z.string(), z.unknown()) })

export const addSignalCommands = (task: Command, binding: Binding): void => {
  addSignal(task, binding)
  addUpdate(task, binding)
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

const updateAnswer = z.looseObject({
  outcome: z.enum(['succeeded', 'failed', 'pending']),
  request_id: z.string(),
  result: z.unknown(),
  failure: z.looseObject({ message: z.string(), code: z.string().nullish() }).nullish(),
})

interface UpdateFlags extends SignalFlags {
  readonly waitSeconds: number
}

const UPDATE_WAIT_SECONDS = 20
const UPDATE_WAIT_SLACK_MS = 15_000

const addUpdate = (task: Command, binding: Binding): void => {
  task
    .command('update <task_id> <name>')
    .description('ask a durable function for something; exit 0 with its answer, 1 when it failed, refused or has not answered')
    .option('--payload <json>', 'what it is asked with: JSON, @file, or - for stdin', 'null')
    .option('--request-id <id>', 'makes a repeat the same update, with the same answer (made up when not given)')
    .option('--wait-seconds <seconds>', 'wait so long for the answer', wholeNumber, UPDATE_WAIT_SECONDS)
    .addHelpText('after', examples(`tasker task update 01JD… add --payload '{"item":"tea"}'`))
    .action((taskId: string, name: string, flags: UpdateFlags, command: Command) =>
      binding.run(command, async ({ http, json, terminal }) => {
        const text = await jsonSource(flags.payload, binding.host.stdin, 'payload')
        const answer = await http.send({
          method: 'POST',
          path: `${taskPath(taskId)}/updates/${encodeURIComponent(name)}`,
          query: { wait_seconds: flags.waitSeconds },
          headers: { 'tasker-request-id': flags.requestId ?? ulid() },
          body: { type: 'application/json', text },
          timeoutMs: flags.waitSeconds * 1_000 + UPDATE_WAIT_SLACK_MS,
        })
        const { outcome, result, failure, request_id: id } = updateAnswer.parse(JSON.parse(answer.text))
        if (json) terminal.out(answer.text)
        else if (outcome === 'succeeded') terminal.out(JSON.stringify(result, undefined, 2))
        else if (outcome === 'failed') terminal.err(`failed: ${failure?.code ?? ''} ${failure?.message ?? ''}`)
        else terminal.err(`no answer yet; ask again with --request-id ${id}`)
        return outcome === 'succeeded' ? EXIT.ok : EXIT.failed
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
