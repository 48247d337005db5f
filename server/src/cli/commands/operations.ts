/** `tasker worker list` and `tasker queue list`: who works, and what waits. */
import { type Command } from 'commander'
import { queueList, workerList } from '../answers.js'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { writeTable } from '../table.js'
import { type Binding, examples } from './command.js'

export const addOperationCommands = (program: Command, binding: Binding): void => {
  program
    .command('worker')
    .description('the workers that are connected')
    .command('list')
    .description('workers with their slots and handlers')
    .addHelpText('after', examples('tasker worker list', 'tasker worker list --json'))
    .action((_flags: unknown, command: Command) => binding.run(command, workers))
  program
    .command('queue')
    .description('the queues of ready steps')
    .command('list')
    .description('queues with what waits in them and how many workers serve them')
    .addHelpText('after', examples('tasker queue list', 'tasker queue list --json'))
    .action((_flags: unknown, command: Command) => binding.run(command, queues))
}

const workers = async ({ http, json, namespace, terminal }: CommandContext): Promise<ExitCode> => {
  const read = await http.json({ method: 'GET', path: '/v1/workers' }, workerList)
  const shown = read.workers.filter((worker) => namespace === undefined || worker.namespace === namespace)
  if (json) terminal.out(JSON.stringify({ ...read, workers: shown }))
  else {
    const rows = shown.map((worker) => [
      worker.worker_id,
      worker.namespace,
      worker.state,
      `${worker.busy}/${worker.slots}`,
      worker.handlers.join(' '),
      worker.host,
    ])
    writeTable(terminal, ['WORKER', 'NAMESPACE', 'STATE', 'BUSY', 'HANDLERS', 'HOST'], rows, 'no worker is connected')
  }
  return EXIT.ok
}

const queues = async ({ http, json, namespace, terminal }: CommandContext): Promise<ExitCode> => {
  const read = await http.json({ method: 'GET', path: '/v1/queues' }, queueList)
  const shown = read.queues.filter((queue) => namespace === undefined || queue.namespace === namespace)
  if (json) terminal.out(JSON.stringify({ ...read, queues: shown }))
  else {
    const rows = shown.map((queue) => [
      queue.namespace,
      queue.handler,
      String(queue.waiting),
      queue.workers === 0 && queue.waiting > 0 ? terminal.colours.red('none') : String(queue.workers),
      queue.unserved_since ?? '',
    ])
    writeTable(terminal, ['NAMESPACE', 'HANDLER', 'WAITING', 'WORKERS', 'UNSERVED SINCE'], rows, 'no queue')
  }
  return EXIT.ok
}
