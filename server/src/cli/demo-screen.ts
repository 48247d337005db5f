/** What `npm start` shows: each part as it comes up, the graph, every transition, the result, and how to go on. */
import { type Fault } from '../faults.js'
import { type EventAnswer, type GraphAnswer, type ResultAnswer, type TaskAnswer } from './answers.js'
import { eventLine } from './event-line.js'
import { graphPicture } from './graph-picture.js'
import { statusText } from './task-status.js'
import { type Terminal } from './terminal.js'

export interface DemoScreen {
  readonly begin: () => void
  readonly started: (part: string, detail: string) => void
  readonly workerLine: (line: string) => void
  readonly workerEnded: (how: string, command: string) => void
  /** `more` says that there are more than were counted. */
  readonly earlier: (count: number, more: boolean, shown: readonly TaskAnswer[]) => void
  readonly submitted: (taskId: string, graph: GraphAnswer) => void
  readonly repeated: (fault: Fault, tryNumber: number) => void
  readonly event: (event: EventAnswer) => void
  readonly result: (result: ResultAnswer) => void
  readonly goOn: (
    urls: { readonly restUrl: string; readonly grpcUrl: string },
    taskId: string,
    pids: Readonly<Record<string, number>>,
  ) => void
}

/** With `json`, one object a line: `started`, `earlier`, `submitted`, `event`, `result`, `ready`. */
export const demoScreen = (terminal: Terminal, json: boolean): DemoScreen =>
  json ? jsonScreen(terminal) : peopleScreen(terminal, performance.now())

const jsonScreen = (terminal: Terminal): DemoScreen => {
  const line = (value: object): void => terminal.out(JSON.stringify(value))
  return {
    begin: () => undefined,
    started: (part, detail) => line({ started: part, detail }),
    workerLine: (text) => terminal.err(text),
    workerEnded: (how) => line({ worker_ended: how }),
    earlier: (count, more, shown) => line({ earlier: { count, more, tasks: shown.map(({ task_id: id }) => id) } }),
    submitted: (taskId) => line({ submitted: taskId }),
    repeated: (fault) => terminal.err(fault.message),
    event: (event) => line({ event }),
    result: (result) => line({ result }),
    goOn: (urls, taskId, pids) => line({ ready: true, rest_url: urls.restUrl, grpc_url: urls.grpcUrl, task_id: taskId, ...pids }),
  }
}

const PART_WIDTH = 11

const peopleScreen = (terminal: Terminal, startedAt: number): DemoScreen => {
  const { colours: c, out, err } = terminal
  const title = (text: string): void => {
    out('')
    out(c.bold(text))
  }
  return {
    begin: () => title('Tasker: one order, from a YAML template to its result, every step in the log'),
    started: (part, detail) => {
      const seconds = `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`.padStart(7)
      out(`  ${c.green('up')} ${part.padEnd(PART_WIDTH)}${detail} ${c.dim(seconds)}`)
    },
    workerLine: (line) => err(c.dim(`  worker | ${line}`)),
    workerEnded: (how, command) => err(`${c.yellow('warning')} the worker ended (${how}); start it again with: ${command}`),
    earlier: (count, more, shown) => {
      if (count === 0) return title('The log is empty: this is the first run')
      title(`The log already holds ${more ? 'more than ' : ''}${count} earlier ${count === 1 ? 'task' : 'tasks'}`)
      for (const task of shown) {
        out(
          `  ${c.dim(task.created_at)}  ${task.task_id}  ${statusText(task.status, c)}  ${c.dim(`tasker task history ${task.task_id}`)}`,
        )
      }
      if (count > shown.length) out(c.dim(`  and ${count - shown.length} more: tasker task list`))
    },
    submitted: (taskId, graph) => {
      title(`Task ${taskId}`)
      out('')
      for (const line of graphPicture({ nodes: graph.nodes.map(({ id }) => id), edges: graph.edges }, c.cyan))
        out(`  ${line.trimStart() === line ? ` ${line}` : line}`)
      out('')
    },
    repeated: (fault) => err(`${c.yellow('again')} ${fault.message}`),
    event: (event) => out(`  ${eventLine(event, c)}`),
    result: (result) => writeDemoResult(terminal, title, result),
    goOn: (urls, taskId) => writeWaysOn(terminal, title, urls.restUrl, taskId),
  }
}

const writeDemoResult = ({ colours: c, out }: Terminal, title: (text: string) => void, result: ResultAnswer): void => {
  title(`Result: ${statusText(result.status, c)}`)
  if (result.status === 'complete') {
    for (const line of JSON.stringify(result.result, undefined, 2).split('\n')) out(`  ${line}`)
  }
  for (const { step_id: step, failure } of result.blocked_steps) out(`  ${c.red(step)}: ${failure.message}`)
}

const writeWaysOn = ({ colours: c, out }: Terminal, title: (text: string) => void, rest: string, taskId: string): void => {
  const task = `${rest}/v1/tasks/${taskId}`
  const cli = rest === 'http://127.0.0.1:8080' ? 'npx tasker' : `npx tasker --url ${rest}`
  title('Go on with')
  const ways: readonly (readonly [string, string])[] = [
    ['the task', task],
    ['its events', `${task}/events`],
    ['its graph', `${task}/graph?format=mermaid`],
    ['the API', `${rest}/docs`],
    ['metrics', `${rest}/metrics`],
  ]
  for (const [what, url] of ways) out(`  ${what.padEnd(PART_WIDTH)}${c.cyan(url)}`)
  out('')
  const commands = [
    `curl -N -H 'Accept: text/event-stream' ${task}/events`,
    `${cli} task history ${taskId}`,
    `${cli} task list`,
    `${cli} doctor`,
  ]
  for (const command of commands) out(`  ${c.dim('$')} ${command}`)
  title('Running; Ctrl-C stops worker, server and database')
}
