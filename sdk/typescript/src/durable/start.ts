/** Starts a durable function on its journal, and sees it to its end. */
import type { Baton } from './baton.js'
import type { FunctionContext } from './context.js'
import { siteOf } from './divergence.js'
import { askStep } from './asking.js'
import { Ending, type WayBack } from './ending.js'
import { contextOf } from './make-context.js'
import type { FunctionEnd, JournalPort } from './port.js'
import { Run, type RunStart } from './run.js'
import { Scope } from './scope.js'

/** The user's function. Its input was checked before. */
export type FunctionBody<Input = never> = (context: FunctionContext, input: Input) => unknown

/** The scope of ways back: no name of a user has that mark. */
const WAY_BACK = '#back'

export const startFunction = <Input>(
  body: FunctionBody<Input>,
  input: Input,
  start: RunStart,
  port: JournalPort,
  baton: Baton,
): Run =>
  new Run(
    start,
    (run, ended) => {
      const ending = new Ending(run)
      const context = contextOf({ run, ending }, run.root)
      const given = new Promise((resolve) => resolve(body(context, input)))
      given.then(
        (value) => close(run, ending, ending.returned(value), ended),
        (error: unknown) => close(run, ending, ending.threw(error), ended),
      )
    },
    port,
    baton,
  )

const close = (run: Run, ending: Ending, end: FunctionEnd, ended: (end: FunctionEnd) => void): void => {
  run.root.close()
  if (end.type === 'returned' || end.type === 'continued') return ended(end)
  const scope = new Scope(WAY_BACK, true)
  const asker = { run, scope, site: siteOf(close) }
  const step = ({ name, run: body, options }: WayBack): PromiseLike<unknown> => askStep(asker, name, body, options)
  run.inTurn(() => ending.takeBack(end, step, ended))
}
