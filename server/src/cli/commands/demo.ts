/** `tasker demo`, which `npm start` runs: the main job from nothing to a result, shown as it happens, and then kept running. */
import { type Command } from 'commander'
import { type CommandContext } from '../context.js'
import { demoScreen, type DemoScreen } from '../demo-screen.js'
import { EXIT, type ExitCode } from '../exit.js'
import { followTask } from '../follow.js'
import { type HttpClient, httpClient } from '../http-client.js'
import { graphAnswer, resultAnswer, taskList, templateAnswer, type TemplateAnswer } from '../answers.js'
import { withDevSeals } from '../local/dev-seals.js'
import { startEmbeddedDatabase } from '../local/embedded-database.js'
import { type Example, orderFulfillment } from '../local/example.js'
import { serverConfig } from '../local/server-settings.js'
import { migrateDatabase, requireFreePorts, type RunningStack, startStack } from '../local/stack.js'
import { type Site, supervised, untilAsked } from '../local/supervise.js'
import { startWorkerProcess } from '../local/worker-process.js'
import { submitTask } from '../submission.js'
import { type Binding, examples } from './command.js'
import { addDevFlags, databaseOptions, EMBEDDED_URL } from './serve.js'
import { taskPath } from './task-read.js'

type Flags = Readonly<Record<string, unknown>>

/** Pages of earlier tasks that are counted. */
const EARLIER_PAGES_MAX = 20
const EARLIER_PAGE_TASKS = 500
const EARLIER_SHOWN = 5

export const addDemoCommand = (program: Command, binding: Binding): void => {
  addDevFlags(
    program.command('demo').description('the main job, shown: database, server, worker, one task followed to its result'),
  )
    .addHelpText('after', examples('npm start', 'npm start -- --rest-port 8081 --grpc-port 9191'))
    .action((flags: Flags, command: Command) => binding.run(command, (context) => demo(context, flags)))
}

const demo = (context: CommandContext, flags: Flags): Promise<ExitCode> => {
  // The transitions are the show: the server speaks up only about what is wrong, unless asked.
  const environment = { ...context.environment, TASKER_LOG_LEVEL: context.environment['TASKER_LOG_LEVEL'] || 'warn' }
  const config = serverConfig(environment, flags, { databaseUrl: EMBEDDED_URL, templateReplace: 'true' })
  const screen = demoScreen(context.terminal, context.json)
  return supervised(context.terminal, async (site) => {
    const example = await orderFulfillment()
    await requireFreePorts(config)
    screen.begin()
    const database = await startEmbeddedDatabase(databaseOptions(flags), context.terminal)
    site.keep(database)
    screen.started('PostgreSQL', `embedded, data in ${database.place}`)
    const applied = await migrateDatabase(database.url)
    screen.started('schema', applied.length === 0 ? 'current' : `${applied.length} migrations applied`)
    const stack = await startStack(site, withDevSeals({ ...config, databaseUrl: database.url }, database.dataDir))
    screen.started('server', `REST ${stack.restUrl}  gRPC ${stack.grpcUrl}`)
    const workerPid = await startExampleWorker(site, example, stack, screen)
    const taskId = await runTask(site, httpClient(stack.restUrl, undefined), example, screen)
    screen.goOn(stack, taskId, { pid: process.pid, database_pid: database.pid, worker_pid: workerPid })
    await untilAsked(site.signal)
    return EXIT.ok
  })
}

const startExampleWorker = async (site: Site, example: Example, stack: RunningStack, screen: DemoScreen): Promise<number> => {
  const worker = await startWorkerProcess({
    script: example.workerScript,
    environment: { TASKER_GRPC_URL: stack.grpcUrl, TASKER_URL: stack.restUrl },
    onLine: screen.workerLine,
  })
  site.keep(worker)
  screen.started('worker', `process ${worker.pid}`)
  worker.onExit((how) => {
    if (!site.signal.aborted) screen.workerEnded(how, `TASKER_GRPC_URL=${stack.grpcUrl} node ${example.workerScript}`)
  })
  return worker.pid
}

/** Registers the template, submits one task of it and shows each of its events until it rests. */
const runTask = async (site: Site, http: HttpClient, example: Example, screen: DemoScreen): Promise<string> => {
  const template = await registered(http, example.template)
  screen.started('template', `${template.namespace}/${template.name}@${template.version} ${template.outcome ?? 'registered'}`)
  await showEarlierTasks(http, screen)
  const submitted = await submitTask(http, template, example.context, { initiator: 'npm start' }, screen.repeated)
  const graph = await http.json({ method: 'GET', path: `${taskPath(submitted.taskId)}/graph` }, graphAnswer)
  screen.submitted(submitted.taskId, graph)
  const events = followTask(http, submitted.taskId, { signal: site.signal, onReconnect: (fault) => screen.repeated(fault, 0) })
  for (let next = await events.next(); !next.done; next = await events.next()) screen.event(next.value)
  screen.result(await http.json({ method: 'GET', path: `${taskPath(submitted.taskId)}/result` }, resultAnswer))
  return submitted.taskId
}

const registered = (http: HttpClient, text: string): Promise<TemplateAnswer> =>
  http.json(
    { method: 'POST', path: '/v1/templates', query: { replace: true }, body: { type: 'application/yaml', text } },
    templateAnswer,
  )

/** What earlier starts left in the log, newest first. */
const showEarlierTasks = async (http: HttpClient, screen: DemoScreen): Promise<void> => {
  let cursor: string | undefined
  let count = 0
  const shown = []
  for (let page = 0; page < EARLIER_PAGES_MAX; page++) {
    const query = { limit: EARLIER_PAGE_TASKS, cursor }
    const answer = await http.json({ method: 'GET', path: '/v1/tasks', query }, taskList)
    count += answer.tasks.length
    shown.push(...answer.tasks.slice(0, EARLIER_SHOWN - shown.length))
    cursor = answer.next_cursor ?? undefined
    if (cursor === undefined) break
  }
  screen.earlier(count, cursor !== undefined, shown)
}
