/** `tasker task diff A B`: where two tasks part, and in what they differ; exit 0 when in nothing, 1 when in something. */
import { type Command } from 'commander'
import { z } from 'zod'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { writeTable } from '../table.js'
import { type Binding, examples } from './command.js'
import { taskPath } from './task-read.js'

export const addDiffCommand = (task: Command, binding: Binding): void => {
  task
    .command('diff <task_a> <task_b>')
    .description('where two tasks part, and in what they differ; exit 0 when in nothing but ids and times, 1 otherwise')
    .addHelpText('after', examples('tasker task diff 01JD… 01JE…', 'tasker task diff 01JD… 01JE… --json | jq .first_divergence'))
    .action((a: string, b: string, _flags: unknown, command: Command) => binding.run(command, (context) => diff(context, a, b)))
}

const both = <Value extends z.ZodType>(value: Value) => z.looseObject({ a: value, b: value })
const changes = z.array(z.looseObject({ path: z.string(), a: z.string().nullable(), b: z.string().nullable() }))
const event = z.looseObject({ version: z.number(), type: z.string() }).nullable()

const answer = z.looseObject({
  same: z.boolean(),
  first_divergence: z.looseObject({ step_id: z.string().nullable(), a: event, b: event }).nullable(),
  status: both(z.string()).nullable(),
  template: both(z.string()).nullable(),
  input: changes,
  only_in_a: z.array(z.string()),
  only_in_b: z.array(z.string()),
  steps: z.array(
    z.looseObject({
      step_id: z.string(),
      status: both(z.string()).nullable(),
      attempts: both(z.number()).nullable(),
      failure: both(z.string().nullable()).nullable(),
      output: changes,
    }),
  ),
  took_ms: both(z.number().nullable()),
  times: z.array(z.looseObject({ step_id: z.string(), took_ms: both(z.number().nullable()) })),
  is_cut: z.boolean(),
})

type Answer = z.infer<typeof answer>

const diff = async ({ http, json, terminal }: CommandContext, a: string, b: string): Promise<ExitCode> => {
  const read = await http.send({ method: 'GET', path: `${taskPath(a)}/diff`, query: { other: b } })
  const found = answer.parse(JSON.parse(read.text))
  const code = found.same ? EXIT.ok : EXIT.failed
  if (json) {
    terminal.out(read.text)
    return code
  }
  if (found.same) terminal.out('the two tasks differ in nothing but ids, times and workers')
  else {
    if (found.first_divergence) terminal.out(divergenceText(found.first_divergence))
    writeTable(terminal, ['WHERE', 'WHAT', 'A', 'B'], differences(found), 'their events differ, and their states do not')
  }
  terminal.out(`took ${msText(found.took_ms.a)} and ${msText(found.took_ms.b)}`)
  const rows = found.times.map(({ step_id: step, took_ms: took }) => [step, msText(took.a), msText(took.b)])
  writeTable(terminal, ['STEP', 'TOOK A', 'TOOK B'], rows, 'no step is in both')
  if (found.is_cut) terminal.err(terminal.colours.dim('there is more than a diff shows'))
  return code
}

const divergenceText = ({ step_id: step, a, b }: NonNullable<Answer['first_divergence']>): string => {
  const side = (at: typeof a): string => (at === null ? 'nothing more' : `${at.type} (${at.version})`)
  return `they part at ${step ?? 'the task'}: ${side(a)} in A, ${side(b)} in B`
}

const differences = ({ status, template, input, only_in_a, only_in_b, steps }: Answer): readonly string[][] => [
  ...(template ? [['task', 'template', template.a, template.b]] : []),
  ...(status ? [['task', 'status', status.a, status.b]] : []),
  ...input.map((change) => ['input', change.path || '/', change.a ?? '-', change.b ?? '-']),
  ...only_in_a.map((step) => [step, 'step', 'is there', '-']),
  ...only_in_b.map((step) => [step, 'step', '-', 'is there']),
  ...steps.flatMap((step) => [
    ...(step.status ? [[step.step_id, 'status', step.status.a, step.status.b]] : []),
    ...(step.attempts ? [[step.step_id, 'attempts', String(step.attempts.a), String(step.attempts.b)]] : []),
    ...(step.failure ? [[step.step_id, 'failure', step.failure.a ?? '-', step.failure.b ?? '-']] : []),
    ...step.output.map((change) => [step.step_id, `output ${change.path || '/'}`, change.a ?? '-', change.b ?? '-']),
  ]),
]

const msText = (ms: number | null): string => (ms === null ? '-' : `${ms} ms`)
