/** Which key a step waits for: the first of its keys that it has no place of yet. */
import { evaluateKey, type KeyTemplate } from '../expression/key.js'
import type { Roots } from '../expression/expression.js'
import { runOf } from '../task/compensation.js'
import { stepRoots } from '../task/expression-roots.js'
import type { LiveTask } from '../task/state.js'
import type { KeyGate } from './key.js'

/** Undefined for a step that is not ready, has no keys, or has a place of each. */
export const keyGate = (task: LiveTask, index: number): KeyGate | undefined => {
  const step = task.steps[index]
  if (step?.status !== 'enqueued') return undefined
  const spec = runOf(task, index).keys[step.admitted]
  if (spec === undefined) return undefined
  const { kind, limit, perMs } = spec
  return { kind, key: keyText(spec.key, stepRoots(task, index, spec.key)), limit, perMs }
}

const HALF_PAIRS = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** A key without a value is the text as it is written: all steps without one share it, so that the limit holds. */
export const keyText = (template: KeyTemplate, roots: Roots): string => {
  const made = evaluateKey(template, roots)
  const text = made.type === 'key' ? made.key : template.text
  // Names of streams are kept as UTF-8 without NUL.
  return text.replaceAll('\0', '\u2400').replace(HALF_PAIRS, '\ufffd')
}
