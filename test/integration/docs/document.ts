/** Runs the blocks of one page in a folder like a checkout, against a real server on free ports. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startServer } from '@tasker/server/internal/compose'
import { readServerConfig } from '@tasker/server/internal/config'
import { type Block, blocksOf, pageText } from '../../docs/markdown.js'
import { missingLines } from '../../docs/plan.js'
import { freshDatabase, query, type TestDatabase } from '../../support/postgres.js'
import { freePort, REPOSITORY } from '../../support/processes.js'

const SHELL_MS_MAX = 120_000
const START_FLAGS = ' -- --ephemeral --rest-port 0 --grpc-port 0'
const START_DONE = /^Running; Ctrl-C stops/m
/** How CI begins: with the packages of the lock file, as `npm install` takes them. */
const CLEAN_INSTALL = /^(if ! )?npm (ci|install) /m
/** What `npm run build` does to the folder `examples` of a checkout. */
const EXAMPLES_PROJECT = {
  extends: `${REPOSITORY}/tsconfig.base.json`,
  compilerOptions: { rootDir: '.', outDir: 'dist', types: ['node'], composite: false, noUnusedLocals: true },
  include: ['**/*.ts'],
  exclude: ['dist'],
}

interface Site {
  readonly folder: string
  readonly database: TestDatabase
  readonly restPort: number
  readonly grpcPort: number
  readonly ends: (() => Promise<void>)[]
}

/** What went wrong, as `page:line: what`; runs to the end of the page or to the first block that fails. */
export const documentProblems = async (page: string, text = pageText(page)): Promise<readonly string[]> => {
  const blocks = blocksOf(text)
  const site = await openSite(blocks)
  try {
    let printed = ''
    for (const block of blocks) {
      const result = await doBlock(block, site, printed)
      printed = result.printed
      if (result.problem !== undefined) return [`${page}:${block.line}: ${result.problem}`]
    }
    return []
  } finally {
    for (const end of site.ends.toReversed()) await end()
    await site.database.drop()
    rmSync(site.folder, { recursive: true, force: true })
  }
}

const openSite = async (blocks: readonly Block[]): Promise<Site> => {
  const folder = mkdtempSync(join(tmpdir(), 'tasker-docs-'))
  const ownServer = blocks.some(({ verb }) => verb === 'server')
  const database = await freshDatabase(ownServer ? 'empty' : 'migrated')
  const site: Site = { folder, database, restPort: await freePort(), grpcPort: await freePort(), ends: [] }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
  symlinkSync(join(REPOSITORY, 'proto'), join(folder, 'proto'))
  write(site, 'package.json', JSON.stringify({ type: 'module', scripts: { build: 'tsc -p examples' } }))
  write(site, 'examples/tsconfig.json', JSON.stringify(EXAMPLES_PROJECT))
  for (const { verb, argument, text } of blocks)
    if (verb === 'file' || verb === 'program') write(site, placeOf(argument), here(text, site))
  if (!ownServer && blocks.some(({ verb }) => verb !== 'picture' && verb !== 'start')) await serve(site)
  return site
}

/** Programs in TypeScript are compiled where `npm run build` finds them. */
const placeOf = (path: string): string => (path.endsWith('.ts') && !path.startsWith('examples/') ? `examples/${path}` : path)

const write = ({ folder }: Site, path: string, text: string): void => {
  mkdirSync(join(folder, dirname(path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

/** Addresses as a reader has them become those of this run. */
const here = (text: string, { restPort, grpcPort, database }: Site): string =>
  text
    .replaceAll(/(127\.0\.0\.1|localhost):8080/g, `127.0.0.1:${restPort}`)
    .replaceAll(/(127\.0\.0\.1|localhost):9190/g, `127.0.0.1:${grpcPort}`)
    .replaceAll('postgres://tasker:secret@localhost:5432/tasker', database.url)

const serve = async (site: Site): Promise<void> => {
  const answer = readServerConfig({
    DATABASE_URL: site.database.url,
    TASKER_REST_PORT: String(site.restPort),
    TASKER_GRPC_PORT: String(site.grpcPort),
    TASKER_LOG_LEVEL: 'warn',
    TASKER_PARTITIONS: '4',
    TASKER_TEMPLATE_REPLACE: 'true',
  })
  if (answer.type === 'invalid') throw new Error(answer.problems.map(({ message }) => message).join('; '))
  const server = await startServer(answer.config)
  site.ends.push(() => server.stop())
}

interface Done {
  readonly printed: string
  readonly problem?: string | undefined
}

const doBlock = async (block: Block, site: Site, printed: string): Promise<Done> => {
  const text = here(block.text, site)
  switch (block.verb) {
    case 'file':
      return checked(block, site)
    case 'program':
      return runProgram(block.argument, site)
    case 'run':
      return shell(text, site)
    case 'background':
      background(text, site)
      return { printed: '' }
    case 'server':
      return { printed: await background(text, site).printedLine(/\bready\b/) }
    case 'start':
      return firstStart(text)
    case 'sql':
      return { printed: JSON.stringify(await query(site.database.url, text)) }
    case 'output': {
      const missing = missingLines(block.text, printed)
      return { printed, problem: missing.length === 0 ? undefined : `not printed: ${missing.join(' | ')}\nprinted:\n${printed}` }
    }
    case 'picture':
      return { printed: '' }
    default:
      return { printed: '', problem: `nobody runs this block` }
  }
}

/** A file is looked at by whoever will read it: the template's check, the compiler, Node, a parser. */
const checked = async ({ language, text, argument }: Block, site: Site): Promise<Done> => {
  switch (language) {
    case 'yaml':
      return shell(`npx tasker template validate ${argument}`, site)
    case 'ts':
      return shell('npm run --silent build', site)
    case 'js':
      return shell(`node --check ${argument}`, site)
    default:
      JSON.parse(text)
      return { printed: '' }
  }
}

const runProgram = async (path: string, site: Site): Promise<Done> => {
  if (path.endsWith('.js')) return shell(`node ${path}`, site)
  const place = placeOf(path)
  return shell(`npm run --silent build && node ${place.replace(/^examples\//, 'examples/dist/').replace(/\.ts$/, '.js')}`, site)
}

const environment = ({ restPort, grpcPort, database }: Site): NodeJS.ProcessEnv => {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(TASKER_|DATABASE_URL$|npm_|NODE_|VITEST|FORCE_COLOR$)/.test(name),
  )
  return {
    ...Object.fromEntries(inherited),
    NO_COLOR: '1',
    TASKER_URL: `http://127.0.0.1:${restPort}`,
    TASKER_GRPC_URL: `127.0.0.1:${grpcPort}`,
    TASKER_REST_PORT: String(restPort),
    TASKER_GRPC_PORT: String(grpcPort),
    DATABASE_URL: database.url,
  }
}

const shell = async (script: string, site: Site): Promise<Done> => {
  const child = started(script, site.folder, environment(site))
  const late = setTimeout(() => child.kill('SIGKILL'), SHELL_MS_MAX)
  const code = await child.exited
  clearTimeout(late)
  const problem = code === 0 ? undefined : `ended with ${code ?? 'a signal'}:\n${child.printed()}`
  return { printed: child.printed(), problem }
}

const background = (script: string, site: Site): Started => {
  const child = started(script, site.folder, environment(site))
  site.ends.push(async () => {
    child.kill('SIGTERM')
    await child.exited
  })
  return child
}

interface Started {
  readonly printed: () => string
  readonly printedLine: (pattern: RegExp) => Promise<string>
  readonly kill: (signal: NodeJS.Signals) => void
  readonly exited: Promise<number | null>
}

/** A shell in a process group of its own, which stops at the first command that fails. */
const started = (script: string, cwd: string, env: NodeJS.ProcessEnv): Started => {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  const listeners = new Set<() => void>()
  const hear = (chunk: Buffer): void => {
    text += chunk.toString('utf8')
    for (const listener of listeners) listener()
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  return {
    printed: () => text,
    printedLine: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (pattern.test(text)) resolve(text)
        }
        listeners.add(look)
        child.once('close', (code) =>
          reject(new Error(`ended with ${code ?? 'a signal'} before it printed ${pattern.source}:\n${text}`)),
        )
        look()
      }),
    kill: (signal) => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-child.pid, signal)
    },
    exited,
  }
}

/** The first command is what CI begins with; the second runs here as it is, but for its ports and its data. */
const firstStart = async (text: string): Promise<Done> => {
  const [install, start, ...more] = text.trim().split('\n')
  if (install !== 'npm install' || start !== 'npm start' || more.length > 0)
    return { printed: '', problem: 'the first start is two commands' }
  if (!CLEAN_INSTALL.test(readFileSync(join(REPOSITORY, '.ci/run'), 'utf8')))
    return { printed: '', problem: 'CI does not install from nothing' }
  const child = started(start + START_FLAGS, REPOSITORY, process.env)
  try {
    await child.printedLine(START_DONE)
  } finally {
    child.kill('SIGINT')
  }
  await child.exited
  return { printed: child.printed() }
}
