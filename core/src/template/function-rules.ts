/** What must hold of steps whose work is a durable function. */
import { readKey } from '../expression/key.js'
import type { Json } from '../kernel/json.js'
import { shown } from './nearest.js'
import { addProblem, type Findings } from './problem.js'
import type { Located } from './read-failure.js'
import type { StepFields } from './read-step.js'
import { parseSemver } from './semver.js'

/** Notes every broken rule. */
export const checkFunctionSteps = (steps: readonly Located<StepFields>[], findings: Findings): void => {
  for (const { value: step } of steps) if (step.type?.value === 'function') checkStep(step, findings)
}

const checkStep = ({ handler, heartbeat_seconds, batch_config }: StepFields, findings: Findings): void => {
  if (handler === undefined) return
  const { path, value } = handler
  const version = value.callable?.split('@')[1]
  if (value.callable !== undefined && version !== undefined && parseSemver(version) === undefined) {
    const hint = 'write it like renewal or renewal@1.0.0'
    addProblem(findings, 'OUT_OF_RANGE', `${path}/callable`, `${shown(version)} is no semantic version`, { hint })
  }
  const useless = { method: value.method, resolver: value.resolver, heartbeat_seconds, batch_config }
  for (const [field, given] of Object.entries(useless)) {
    if (given === undefined) continue
    const inHandler = field === 'method' || field === 'resolver'
    const place = inHandler ? `${path}/${field}` : `${path.slice(0, path.lastIndexOf('/'))}/${field}`
    addProblem(findings, 'CONFLICTING_FIELDS', place, `a step of the type function has no "${field}"`, { onKey: true })
  }
  const { initialization } = value
  if (initialization !== undefined) checkTexts(initialization.value, initialization.path, findings)
}

const checkTexts = (value: Json | undefined, path: string, findings: Findings): void => {
  if (typeof value === 'string') {
    const reading = readKey(value)
    if (reading.type === 'faulty') for (const { message } of reading.faults) addProblem(findings, 'BAD_EXPRESSION', path, message)
    return
  }
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries<Json>(value)) checkTexts(member, `${path}/${escaped(name)}`, findings)
}

/** RFC 6901. */
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')
