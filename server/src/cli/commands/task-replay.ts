/** `tasker task replay`: the state of a task after each of its events, forward and back. */
import { type Command } from 'commander'
import { type ReplayFrameAnswer } from '../answers.js'
import { type CommandContext } from '../context.js'
import { EXIT, type ExitCode, usageFault } from '../exit.js'
import { type Stands, backward, forward, replayFrames, standsAt } from '../replay.js'
import { type KeyInput, keyInput, type Place, placeAfter, pressedKeys } from '../replay-screen.js'
import { frameLines } from '../replay-text.js'
import { type Binding, examples, wholeNumber } from './command.js'
import { taskPath } from './task-read.js'

interface ReplayFlags {
  readonly fromVersion: number
  readonly toVersion?: number
  readonly reverse?: boolean
  readonly all?: boolean
}

export const addReplayCommand = (task: Command, binding: Binding): void => {
  task
    .command('replay <task_id>')
    .description('the state of a task after each event: key by key in a terminal, all of it elsewhere')
    .option('--from-version <number>', 'begin with this event', wholeNumber, 1)
    .option('--to-version <number>', 'end with this one', wholeNumber)
    .option('--reverse', 'the last event first')
    .option('--all', 'print all of it, also in a terminal')
    .addHelpText('after', examples('tasker task replay 01JD…', 'tasker task replay 01JD… --from-version 5 --to-version 9 --all'))
    .action((taskId: string, flags: ReplayFlags, command: Command) =>
      binding.run(command, (context) => {
        const input = flags.all || context.json ? undefined : keyInput(binding.host.stdin)
        return replay(context, taskPath(taskId), flags, input)
      }),
    )
}

const replay = async (
  context: CommandContext,
  path: string,
  flags: ReplayFlags,
  input: KeyInput | undefined,
): Promise<ExitCode> => {
  const { fromVersion, toVersion } = flags
  if (fromVersion < 1 || (toVersion ?? fromVersion) < fromVersion) throw usageFault('the versions go from 1 up')
  const before = await standsAt(context.http, path, fromVersion - 1)
  const frames = replayFrames(context.http, path, fromVersion - 1, toVersion)
  if (input === undefined && !flags.reverse) {
    let stands = before
    for await (const frame of frames) {
      stands = forward(stands, frame)
      writeFrame(context, frame, stands)
    }
    return EXIT.ok
  }
  const all: ReplayFrameAnswer[] = []
  for await (const frame of frames) all.push(frame)
  if (input === undefined) writeBackward(context, all, before)
  else await stepThrough(context, all, before, { input, fromEnd: flags.reverse === true })
  return EXIT.ok
}

/** With `--json` one object a line: the frame, and how the steps stand after it. */
const writeFrame = ({ json, terminal }: CommandContext, frame: ReplayFrameAnswer, stands: Stands): void => {
  if (json) {
    const steps = [...stands].map(([step, { status, attempts }]) => ({ step_id: step, status, attempts }))
    terminal.out(JSON.stringify({ ...frame, steps }))
  } else for (const line of frameLines(frame, stands, terminal.colours)) terminal.out(line)
}

const writeBackward = (context: CommandContext, frames: readonly ReplayFrameAnswer[], before: Stands): void => {
  let stands = frames.reduce(forward, before)
  for (const frame of frames.toReversed()) {
    writeFrame(context, frame, stands)
    stands = backward(stands, frame)
  }
}

const CLEAR = '\u001b[2J\u001b[H'

const stepThrough = async (
  { terminal }: CommandContext,
  frames: readonly ReplayFrameAnswer[],
  before: Stands,
  { input, fromEnd }: { readonly input: KeyInput; readonly fromEnd: boolean },
): Promise<void> => {
  const [first, last] = [frames[0]?.version, frames.at(-1)?.version]
  if (first === undefined || last === undefined) return terminal.out('no event stands there')
  let place: Place = { version: first, typed: undefined }
  let stands = forward(before, frames[0] ?? EMPTY)
  const goTo = (version: number): void => {
    while (place.version < version) {
      place = { ...place, version: place.version + 1 }
      stands = forward(stands, frames[place.version - first] ?? EMPTY)
    }
    while (place.version > version) {
      stands = backward(stands, frames[place.version - first] ?? EMPTY)
      place = { ...place, version: place.version - 1 }
    }
  }
  const show = (): void => {
    const lines = frameLines(frames[place.version - first] ?? EMPTY, stands, terminal.colours)
    const keys = `${place.version} of ${last}   n/-> next  p/<- back  0 first  $ last  g N Enter go  q quit`
    const typed = place.typed === undefined ? '' : `  g ${place.typed}`
    terminal.out(`${CLEAR}${lines.join('\n')}\n\n${terminal.colours.dim(keys)}${typed}`)
  }
  if (fromEnd) goTo(last)
  show()
  for await (const key of pressedKeys(input)) {
    const next = placeAfter(key, place, first, last)
    if (next === undefined) return
    goTo(next.version)
    place = next
    show()
  }
}

const EMPTY: ReplayFrameAnswer = { version: 0, at: '', type: '', actor: '', status_before: null, status: '', changes: [] }
