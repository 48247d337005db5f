/** `tasker key list`: which keys hold steps up. */
import { type Command } from 'commander'
import { z } from 'zod'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { writeTable } from '../table.js'
import { type Binding, examples } from './command.js'

const keyList = z.looseObject({
  keys: z.array(
    z.looseObject({
      namespace: z.string(),
      kind: z.string(),
      key: z.string(),
      limit: z.number(),
      per_ms: z.number().nullish(),
      held: z.number(),
      waiting: z.number(),
    }),
  ),
})

export const addKeyCommands = (program: Command, binding: Binding): void => {
  program
    .command('key')
    .description('the keys of concurrency and rate')
    .command('list')
    .description('keys with their limits, how many have a place and how many wait')
    .addHelpText('after', examples('tasker key list', 'tasker key list --json'))
    .action((_flags: unknown, command: Command) => binding.run(command, keys))
}

const keys = async ({ http, json, namespace, terminal }: CommandContext): Promise<ExitCode> => {
  const path = namespace === undefined ? '/v1/keys' : `/v1/keys?namespace=${encodeURIComponent(namespace)}`
  const read = await http.json({ method: 'GET', path }, keyList)
  if (json) terminal.out(JSON.stringify(read))
  else {
    const rows = read.keys.map((key) => [
      key.namespace,
      key.kind,
      key.key,
      key.per_ms === undefined || key.per_ms === null ? String(key.limit) : `${key.limit} per ${key.per_ms / 1_000} s`,
      String(key.held),
      String(key.waiting),
    ])
    writeTable(terminal, ['NAMESPACE', 'KIND', 'KEY', 'LIMIT', 'HELD', 'WAITING'], rows, 'no key has a holder, and nobody waits')
  }
  return EXIT.ok
}
