/** `tasker template …`: check a file without a server, register it, and look at what is registered. */
import { graphMermaid, graphView } from '@tasker/core'
import { type Command, Option } from 'commander'
import { templateAnswer, type TemplateAnswer, templateList } from '../answers.js'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode } from '../exit.js'
import { graphPicture } from '../graph-picture.js'
import { writeTable } from '../table.js'
import { checkTemplateFile, type FileCheck, readTemplateFile } from '../template-file.js'
import { findTemplate } from '../template-find.js'
import { type Binding, examples } from './command.js'
import { addDiffCommand } from './template-diff.js'
import { addLintCommand } from './template-lint.js'

export const addTemplateCommands = (program: Command, binding: Binding): void => {
  const template = program.command('template').description('check, register and look at task templates')
  template
    .command('validate <file...>')
    .description('check template files without a server; prints file:line:column code message')
    .addHelpText('after', examples('tasker template validate template.yaml', 'tasker template validate templates/*.yaml --json'))
    .action((files: readonly string[], _flags: unknown, command: Command) =>
      binding.run(command, (context) => validate(context, files)),
    )
  addLintCommand(template, binding)
  addDiffCommand(template, binding)
  addRegister(template, binding)
  template
    .command('list')
    .description('the registered templates')
    .addHelpText('after', examples('tasker template list', 'tasker template list --namespace shop --json'))
    .action((_flags: unknown, command: Command) => binding.run(command, list))
  template
    .command('get <template>')
    .description('the document of a registered template: namespace/name for the latest, or namespace/name@version')
    .addHelpText('after', examples('tasker template get shop/order_fulfillment > template.yaml'))
    .action((name: string, _flags: unknown, command: Command) => binding.run(command, (context) => get(context, name)))
  addGraph(template, binding)
}

const validate = async ({ json, terminal }: CommandContext, files: readonly string[]): Promise<ExitCode> => {
  const checks: FileCheck[] = []
  for (const file of files) checks.push(await checkTemplateFile(file))
  if (json)
    terminal.out(
      JSON.stringify({ files: checks.map(({ file, valid, errors, warnings }) => ({ file, valid, errors, warnings })) }),
    )
  else for (const check of checks) writeCheck(terminal, check)
  return checks.every(({ valid }) => valid) ? EXIT.ok : EXIT.failed
}

const writeCheck = (terminal: CommandContext['terminal'], { file, lines, plan }: FileCheck): void => {
  for (const line of lines) terminal.out(line)
  if (plan === undefined) return
  const { namespace, name, version } = plan.template
  terminal.out(`${file}: ${terminal.colours.green('valid')}, ${namespace}/${name}@${version} with ${plan.steps.length} steps`)
}

const addRegister = (template: Command, binding: Binding): void => {
  template
    .command('register <file>')
    .description('register a template file at the server; the same content again changes nothing')
    .option('--replace', 'let other content take the place of the same version')
    .addHelpText('after', examples('tasker template register template.yaml', 'tasker template register template.yaml --replace'))
    .action((file: string, flags: { readonly replace?: boolean }, command: Command) =>
      binding.run(command, (context) => register(context, file, flags.replace ?? false)),
    )
}

const register = async ({ http, json, terminal }: CommandContext, file: string, replace: boolean): Promise<ExitCode> => {
  const body = { type: 'application/yaml', text: await readTemplateFile(file) }
  const query = replace ? { replace: true } : {}
  const request = { method: 'POST', path: '/v1/templates', query, body } as const
  if (json) terminal.out((await http.send(request)).text)
  else {
    const answer = await http.json(request, templateAnswer)
    for (const { code, message, path } of answer.warnings) terminal.err(`${file}: ${code} warning: ${message} (${path})`)
    terminal.out(`${nameOf(answer)} ${answer.outcome ?? 'registered'}`)
  }
  return EXIT.ok
}

const nameOf = ({ namespace, name, version }: TemplateAnswer): string => `${namespace}/${name}@${version}`

const list = async ({ http, json, namespace, terminal }: CommandContext): Promise<ExitCode> => {
  const request = { method: 'GET', path: '/v1/templates', query: { namespace } } as const
  if (json) {
    terminal.out((await http.send(request)).text)
    return EXIT.ok
  }
  const { templates } = await http.json(request, templateList)
  const rows = templates.map((template) => [nameOf(template), String(template.step_count ?? ''), template.registered_at ?? ''])
  writeTable(terminal, ['TEMPLATE', 'STEPS', 'REGISTERED'], rows, 'no template is registered')
  return EXIT.ok
}

const get = async ({ http, json, namespace, terminal }: CommandContext, name: string): Promise<ExitCode> => {
  const found = await findTemplate(http, name, namespace)
  terminal.out(json ? found.text : (found.template.content ?? '').trimEnd())
  return EXIT.ok
}

const addGraph = (template: Command, binding: Binding): void => {
  template
    .command('graph <file>')
    .description('draw the steps of a template file without a server')
    .addOption(new Option('--format <format>', 'how to draw it').choices(['text', 'mermaid', 'json']).default('text'))
    .addHelpText('after', examples('tasker template graph template.yaml', 'tasker template graph template.yaml --format mermaid'))
    .action((file: string, flags: { readonly format: string }, command: Command) =>
      binding.run(command, (context) => graph(context, file, flags.format)),
    )
}

const graph = async ({ json, terminal }: CommandContext, file: string, format: string): Promise<ExitCode> => {
  const check = await checkTemplateFile(file)
  if (check.plan === undefined) {
    for (const line of check.lines) terminal.err(line)
    return EXIT.failed
  }
  const view = graphView(check.plan)
  if (json || format === 'json') terminal.out(JSON.stringify(view))
  else if (format === 'mermaid') terminal.out(graphMermaid(view).trimEnd())
  else for (const line of graphPicture({ nodes: view.nodes.map(({ id }) => id), edges: view.edges })) terminal.out(line)
  return EXIT.ok
}
