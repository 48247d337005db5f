/** `tasker audit …`: whether the log is what was written, proofs of single tasks, and their check without a server. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { type Command } from 'commander'
import { z } from 'zod'
import { publishedIn } from '../../audit/audit.js'
import type { TrustedKeys } from '../../audit/check-proof.js'
import { listedKeys } from '../../audit/configured-keys.js'
import { type Finding } from '../../audit/findings.js'
import { parsePosition, type Position, positionText } from '../../audit/position.js'
import { verifyLog, type VerifyReport } from '../../audit/verify.js'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode, usageFault } from '../exit.js'
import { checkProofFile } from '../proof-file.js'
import { type Binding, collected, examples } from './command.js'
import { taskPath } from './task-read.js'

export const addAuditCommands = (program: Command, binding: Binding): void => {
  const audit = program.command('audit').description('whether the log is what was written, and proofs of tasks')
  addVerify(audit, binding)
  addExport(audit, binding)
  addCheck(audit, binding)
}

interface VerifyFlags {
  readonly from?: string
  readonly databaseUrl?: string
  readonly seals?: string
  readonly publicKey?: readonly string[]
}

const addVerify = (audit: Command, binding: Binding): void => {
  audit
    .command('verify')
    .description('walk all chains and seals; say the first bad place and exit 1, or exit 0')
    .option('--from <position>', 'begin at a place, such as 3:1207')
    .option('--database-url <url>', 'read the database itself instead of asking a server')
    .option('--seals <folder>', 'compare with the seals that were published there; with --database-url')
    .option('--public-key <key>', 'trust this key, a file or its 43 characters; may be repeated; with --database-url', collected)
    .addHelpText(
      'after',
      examples(
        'tasker audit verify',
        'tasker audit verify --database-url postgres://auditor:secret@db:5432/tasker --seals /mnt/seals --public-key seal-public.pem',
      ),
    )
    .action((flags: VerifyFlags, command: Command) =>
      binding.run(command, (context) =>
        flags.databaseUrl === undefined ? verifyByServer(context, flags) : verifyDirectly(context, flags),
      ),
    )
}

const positionIn = (text: string | undefined): Position | undefined => {
  const position = text === undefined ? undefined : parsePosition(text)
  if (text !== undefined && position === undefined) {
    throw usageFault(`--from ${text} is no position`, 'it looks like 3:1207: a partition and a place')
  }
  return position
}

const keysIn = (flags: { readonly publicKey?: readonly string[] }): TrustedKeys =>
  flags.publicKey === undefined ? undefined : new Set(listedKeys(flags.publicKey))

const verifyDirectly = async (context: CommandContext, flags: VerifyFlags): Promise<ExitCode> => {
  const from = positionIn(flags.from)
  const trusted = keysIn(flags)
  if (flags.seals !== undefined && !existsSync(flags.seals)) throw usageFault(`there is no folder ${flags.seals}`)
  // Loaded here alone, so that a client command does not wait for the server's libraries.
  const { openAudit } = await import('../../compose.js')
  const audit = await openAudit(flags.databaseUrl ?? '')
  try {
    const { terminal, json } = context
    const report = await verifyLog(audit.reads, {
      from,
      trusted,
      published: publishedIn(flags.seals),
      progress: ({ partition, commits }) => {
        if (!json) terminal.err(terminal.colours.dim(`partition ${partition} done, ${commits} commits so far`))
      },
    })
    if (trusted === undefined) warnOfKeys(context)
    return writeReport(context, report)
  } finally {
    await audit.close()
  }
}

/** One page after another, so that a server is never busy with one request for long. */
const verifyByServer = async (context: CommandContext, flags: VerifyFlags): Promise<ExitCode> => {
  if (flags.seals !== undefined || flags.publicKey !== undefined) {
    throw usageFault(
      '--seals and --public-key go with --database-url',
      'a server compares with its own TASKER_SEALS_DIR and its own keys',
    )
  }
  let next: Position | undefined = positionIn(flags.from)
  let commits = 0
  let seals = 0
  let unsealed = 0
  for (;;) {
    const query = { from: next === undefined ? undefined : positionText(next) }
    const page = await context.http.json({ method: 'GET', path: '/v1/audit/verify', query }, verifyAnswer)
    commits += page.commits
    seals += page.seals
    unsealed += page.unsealed
    if (page.next === null)
      return writeReport(context, { finding: page.finding ?? undefined, commits, seals, unsealed, next: undefined })
    next = parsePosition(page.next)
    const { terminal, json } = context
    if (!json) terminal.err(terminal.colours.dim(`${commits} commits looked at, now at ${page.next}`))
  }
}

const positionAnswer = z.string().transform((text) => parsePosition(text) ?? { partition: 0, seq: 0 })

const findingAnswer = z
  .looseObject({
    kind: z.string(),
    at: positionAnswer,
    to_seq: z.number().optional(),
    stream: z.string().optional(),
    version: z.number().optional(),
    message: z.string(),
    expected: z.string().optional(),
    found: z.string().optional(),
  })
  .transform(({ to_seq, ...more }) => ({ ...more, ...(to_seq === undefined ? {} : { toSeq: to_seq }) }))

const verifyAnswer = z.looseObject({
  commits: z.number(),
  seals: z.number(),
  unsealed: z.number(),
  next: z.string().nullable(),
  finding: findingAnswer.nullable(),
})

type ShownFinding = Omit<Finding, 'kind' | 'toSeq' | 'stream' | 'version' | 'expected' | 'found'> & {
  readonly kind: string
  readonly toSeq?: number | undefined
  readonly stream?: string | undefined
  readonly version?: number | undefined
  readonly expected?: string | undefined
  readonly found?: string | undefined
}

const writeReport = (
  { json, terminal }: CommandContext,
  { finding, commits, seals, unsealed }: Omit<VerifyReport, 'finding'> & { readonly finding: ShownFinding | undefined },
): ExitCode => {
  if (json) {
    const { toSeq, ...rest } = finding ?? {}
    const told = finding && { ...rest, at: positionText(finding.at), ...(toSeq === undefined ? {} : { to_seq: toSeq }) }
    terminal.out(JSON.stringify({ ok: finding === undefined, commits, seals, unsealed, finding: told ?? null }))
  } else if (finding === undefined) {
    terminal.out(
      `${terminal.colours.green('ok')} ${commits} commits and ${seals} seals are what was written; ${unsealed} commits wait for their seal`,
    )
  } else {
    const upTo = finding.toSeq === undefined ? '' : ` to ${finding.at.partition}:${finding.toSeq}`
    terminal.out(`${terminal.colours.red('bad')} at ${positionText(finding.at)}${upTo}: ${finding.message} (${finding.kind})`)
    if (finding.stream !== undefined) terminal.out(`    stream   ${finding.stream} version ${finding.version}`)
    if (finding.expected !== undefined) terminal.out(`    expected ${finding.expected}`)
    if (finding.found !== undefined) terminal.out(`    found    ${finding.found}`)
    terminal.out(`    the ${commits} commits before it are what was written`)
  }
  return finding === undefined ? EXIT.ok : EXIT.failed
}

const warnOfKeys = ({ terminal }: CommandContext): void =>
  terminal.err(
    `${terminal.colours.yellow('warning')} no --public-key was given: seals were checked with the keys they name, whoever made them`,
  )

const addExport = (audit: Command, binding: Binding): void => {
  audit
    .command('export <task_id>')
    .description('write a proof of one task that checks offline; what is not sealed yet is sealed first')
    .option('--output <file>', 'where to; standard output when not given')
    .addHelpText('after', examples('tasker audit export 01JD… --output proof.json'))
    .action((taskId: string, flags: { readonly output?: string }, command: Command) =>
      binding.run(command, (context) => exportProof(context, taskId, flags.output)),
    )
}

const exportProof = async ({ http, terminal }: CommandContext, taskId: string, output: string | undefined): Promise<ExitCode> => {
  const { text } = await http.send({ method: 'GET', path: `${taskPath(taskId)}/proof` })
  if (output === undefined) terminal.out(text)
  else {
    await writeFile(output, `${text}\n`)
    terminal.err(terminal.colours.dim(`check it with: tasker audit check ${output}`))
  }
  return EXIT.ok
}

const addCheck = (audit: Command, binding: Binding): void => {
  audit
    .command('check <file>')
    .description('check a proof, or a file of many, one a line, also compressed (.gz); needs no server; exit 1 when it is bad')
    .option('--public-key <key>', 'trust this key, a file or its 43 characters; may be repeated', collected)
    .addHelpText(
      'after',
      examples('tasker audit check proof.json --public-key seal-public.pem', 'tasker audit check archive.jsonl.gz'),
    )
    .action((file: string, flags: { readonly publicKey?: readonly string[] }, command: Command) =>
      binding.run(command, (context) => check(context, file, keysIn(flags))),
    )
}

const check = async (context: CommandContext, file: string, trusted: TrustedKeys): Promise<ExitCode> => {
  const { terminal, json } = context
  let proofs = 0
  for await (const { line, verdict } of checkProofFile(file, trusted)) {
    if (verdict.type === 'unsound') {
      const told = { ok: false, file, line, at: verdict.at, message: verdict.message }
      terminal.out(
        json
          ? JSON.stringify(told)
          : `${terminal.colours.red('bad')} ${file}, line ${line}, at ${verdict.at}: ${verdict.message}`,
      )
      return EXIT.failed
    }
    proofs++
    const { taskId, commits, lastVersion, lastType, keyIds } = verdict
    if (json)
      terminal.out(
        JSON.stringify({ ok: true, task_id: taskId, commits, last_version: lastVersion, last_type: lastType, key_ids: keyIds }),
      )
    else
      terminal.out(
        `${terminal.colours.green('ok')} task ${taskId}: ${commits} commits, ${lastVersion} events up to ${lastType}, signed by ${keyIds.join(', ')}`,
      )
  }
  if (proofs === 0) throw usageFault(`${file} holds no proof`)
  if (trusted === undefined) warnOfKeys(context)
  return EXIT.ok
}
