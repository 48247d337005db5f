/** The wall for a worker's first message: a usable hello, or why it is none (W1, W2, W12). */
import { LIMITS, handlerName, namespaceOf, workerId, type HandlerName } from '@tasker/core'
import type { AttemptRef as WireRef, WorkerHello as WireHello } from '@tasker/proto'
import type { AttemptRef, WorkerHello } from '../engine/api.js'
import type { InputProblem } from '../faults.js'
import { attemptRef, canonicalUlid } from './attempt-ref.js'
import { cut } from './failure.js'
import type { DoorLimits } from './door.js'

export type ReadHello =
  | {
      readonly type: 'hello'
      readonly hello: WorkerHello
      /** Of `running`, what names no attempt at all: it is forgotten. */
      readonly nonsense: readonly WireRef[]
    }
  | { readonly type: 'unusable'; readonly problems: readonly InputProblem[] }

/** `callable#method` of two names. */
const HANDLER_CHARS_MAX = 2 * LIMITS.nameCharsMax + 1

export const readHello = (wire: WireHello, limits: DoorLimits): ReadHello => {
  const problems = [...identityProblems(wire), ...handlerProblems(wire, limits), ...countProblems(wire, limits)]
  if (problems.length > 0) return { type: 'unusable', problems }
  const running: AttemptRef[] = []
  const nonsense: WireRef[] = []
  for (const ref of wire.running) {
    const read = attemptRef(ref)
    if (read.type === 'ref') running.push(read.ref)
    else nonsense.push(ref)
  }
  const hello: WorkerHello = {
    workerId: workerId(wire.workerId),
    namespace: namespaceOf(wire.namespace),
    handlers: distinct(wire.handlers),
    slots: wire.slots,
    codeVersion: cut(wire.codeVersion, LIMITS.nameCharsMax),
    sdk: cut(wire.sdk, LIMITS.nameCharsMax),
    host: cut(wire.host, LIMITS.nameCharsMax),
    running,
  }
  return { type: 'hello', hello, nonsense }
}

const distinct = (handlers: readonly string[]): HandlerName[] => [...new Set(handlers)].map(handlerName)

const problem = (code: string, path: string, message: string): InputProblem => ({ code, path, message })

const identityProblems = (wire: WireHello): InputProblem[] => {
  const problems: InputProblem[] = []
  if (!canonicalUlid(wire.workerId))
    problems.push(problem('WRONG_TYPE', '/hello/worker_id', 'worker_id is no ULID in upper case'))
  if (wire.namespace === '') problems.push(problem('MISSING_FIELD', '/hello/namespace', 'namespace is empty'))
  if (wire.namespace.length > LIMITS.nameCharsMax)
    problems.push(problem('OUT_OF_RANGE', '/hello/namespace', `namespace is longer than ${LIMITS.nameCharsMax} characters`))
  return problems
}

const handlerProblems = (wire: WireHello, limits: DoorLimits): InputProblem[] => {
  if (wire.handlers.length === 0) return [problem('MISSING_FIELD', '/hello/handlers', 'no handler is named')]
  if (wire.handlers.length > limits.helloHandlersMax)
    return [problem('OUT_OF_RANGE', '/hello/handlers', `more than ${limits.helloHandlersMax} handlers`)]
  const bad = wire.handlers.findIndex((name) => name === '' || name.length > HANDLER_CHARS_MAX)
  if (bad === -1) return []
  return [problem('OUT_OF_RANGE', `/hello/handlers/${bad}`, `a handler has 1 to ${HANDLER_CHARS_MAX} characters`)]
}

const countProblems = (wire: WireHello, limits: DoorLimits): InputProblem[] => {
  const problems: InputProblem[] = []
  if (wire.slots < 1 || wire.slots > LIMITS.workerSlotsMax)
    problems.push(problem('OUT_OF_RANGE', '/hello/slots', `slots are 1 to ${LIMITS.workerSlotsMax}, not ${wire.slots}`))
  if (wire.running.length > limits.helloRunningMax)
    problems.push(problem('OUT_OF_RANGE', '/hello/running', `more than ${limits.helloRunningMax} attempts`))
  return problems
}
