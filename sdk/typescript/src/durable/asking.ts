/** The operations of a context: each checks what it is given, and asks the run. */
import { validated, type Schema } from '../definition/schema.js'
import { durationMs, type Duration } from '../duration.js'
import { checkName } from '../definition/check-name.js'
import { LIMITS } from '../limits.js'
import type { JsonValue } from '../step/json.js'
import { checkCall } from './call-options.js'
import type { Awaitable } from './awaitable.js'
import type { ChildDefinition } from './context.js'
import type { Site } from './divergence.js'
import type { OperationKind } from './entries.js'
import { refused } from './misuse.js'
import type {
  CallOptions,
  ChildOptions,
  KeyOptions,
  SignalOptions,
  SleepOptions,
  StepOptions,
  StepScope,
  UntilOptions,
} from './options.js'
import { givenText } from './outcome.js'
import type { Command } from './port.js'
import type { Run } from './run.js'
import type { Scope } from './scope.js'

export interface Asker {
  readonly run: Run
  readonly scope: Scope
  readonly site: Site
}

interface Asked {
  readonly kind: OperationKind
  readonly name: string
  readonly options: KeyOptions
  readonly target?: string
  readonly begin: (key: string) => Command | undefined
}

const ask = <T>({ run, scope, site }: Asker, asked: Asked) => {
  const { kind, name, target, begin, options } = asked
  checkName(name, 'an operation')
  return run.ask<T>({ scope, kind, name, site, begin, givenKey: options.key, ...(target === undefined ? {} : { target }) })
}

export const askStep = <T>(
  asker: Asker,
  name: string,
  run: (scope: StepScope) => unknown,
  options: StepOptions,
): Awaitable<T> => {
  const begin = (key: string): Command => ({
    type: 'step',
    key,
    name,
    options,
    invoke: (scope) => asker.run.callStep(key, () => run(scope)),
  })
  return ask<T>(asker, { kind: 'step', name, options, begin }).answer
}

export const askCall = <T>(asker: Asker, target: string, input: unknown, options: CallOptions): Awaitable<T> => {
  checkName(target, 'a handler')
  checkCall(options)
  const text = givenText(input, `the call ${target}`, LIMITS.operationInputBytesMax)
  const begin = (key: string): Command => ({ type: 'call', key, target, input: text, options })
  return ask<T>(asker, { kind: 'call', name: options.name ?? target, target, options, begin }).answer
}

export const askChild = <T>(
  asker: Asker,
  definition: ChildDefinition<never, T>,
  input: unknown,
  options: ChildOptions,
): Awaitable<T> => {
  const { namespace, name, version } = definition
  checkName(name, 'a child')
  const text = givenText(input, `the child ${name}`, LIMITS.operationInputBytesMax)
  const onParentClose = options.onParentClose ?? 'cancel'
  const begin = (key: string): Command => ({ type: 'child', key, namespace, name, version, input: text, onParentClose })
  return ask<T>(asker, { kind: 'child', name: options.name ?? name, target: name, options, begin }).answer
}

export const askSleep = (asker: Asker, time: Duration | Date, options: SleepOptions): Awaitable<undefined> => {
  const dueAt = dueAfter(asker.run.now, time)
  const begin = (key: string): Command => ({ type: 'timer', kind: 'timer', key, dueAt })
  return ask<undefined>(asker, { kind: 'timer', name: options.name ?? 'sleep', options, begin }).answer
}

export const askSend = (
  asker: Asker,
  taskId: string,
  signal: string,
  payload: unknown,
  options: KeyOptions,
): Awaitable<undefined> => {
  const text = givenText(payload, `the signal ${signal}`, LIMITS.signalBytesMax)
  const begin = (key: string): Command => ({ type: 'send', key, taskId, signal, payload: text })
  return ask<undefined>(asker, { kind: 'send', name: signal, target: taskId, options, begin }).answer
}

export const askSignal = <Payload = JsonValue>(
  asker: Asker,
  name: string,
  options: SignalOptions<Payload>,
): Awaitable<Payload> => {
  const { run, scope } = asker
  const { timeout, where, schema } = options
  const dueAt = timeout === undefined ? undefined : dueAfter(run.now, timeout)
  const begin = (key: string): Command | undefined =>
    dueAt === undefined ? undefined : { type: 'timer', kind: 'signal', key, dueAt }
  const { operation, answer } = ask<Payload>(asker, { kind: 'signal', name, options, begin })
  if (scope.cancelled !== undefined) return answer
  const { release } = operation
  const forget = run.mailbox.wait({
    name,
    wants: (payload) => {
      try {
        // What the payload is, the caller says; what is signalled is checked where it comes in.
        return where?.(payload as Payload) ?? true
      } catch (thrown) {
        run.fail(operation, thrown)
        return false
      }
    },
    take: (payload) => {
      try {
        run.answer(operation, schema === undefined ? payload : fitted(schema, payload, `the signal ${name}`))
      } catch (thrown) {
        run.fail(operation, thrown)
      }
    },
  })
  operation.release = () => {
    release()
    forget()
  }
  return answer
}

/** Throws for what does not fit, and for a schema that does not answer at once: a function waits for operations alone. */
const fitted = (schema: Schema, payload: unknown, subject: string): unknown => {
  const value = validated(schema, payload, subject)
  if (!(value instanceof Promise)) return value
  value.catch(() => undefined)
  throw refused('OPERATION_OUTSIDE_TURN', `the schema of ${subject} answers later, and a function waits for operations alone`)
}

/** Undefined when the time is over first. */
export const askUntil = (asker: Asker, holds: () => boolean, options: UntilOptions): Awaitable<true | undefined> => {
  const { run, scope } = asker
  const { timeout } = options
  const dueAt = timeout === undefined ? undefined : dueAfter(run.now, timeout)
  const begin = (key: string): Command | undefined =>
    dueAt === undefined ? undefined : { type: 'timer', kind: 'signal', key, dueAt }
  const name = options.name ?? 'until'
  const { operation, answer } = ask<true | undefined>(asker, { kind: 'signal', name, options, begin })
  if (scope.cancelled !== undefined) return answer
  const { release } = operation
  const forget = run.conditions.wait({
    holds,
    settle: (outcome) => (outcome.type === 'holds' ? run.answer(operation, true) : run.fail(operation, outcome.error)),
  })
  operation.release = () => {
    release()
    forget()
  }
  return answer
}

/** The instant after a time, or the instant itself. */
const dueAfter = (now: number, time: Duration | Date): number => {
  const dueAt = time instanceof Date ? time.getTime() : now + durationMs(time)
  if (dueAt - now <= LIMITS.sleepMsMax) return dueAt
  throw refused('BAD_DURATION', `a durable function waits at most ${LIMITS.sleepMsMax} ms`, 'wait in parts')
}
