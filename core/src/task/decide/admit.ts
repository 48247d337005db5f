/** Admit: an enqueued attempt was given a place of the key it waits for. */
import { keyGate } from '../../key/gate.js'
import type { Decision } from '../../kernel/decider.js'
import { elementAt } from '../../kernel/invariant.js'
import type { AdmitStep } from '../commands.js'
import type { TaskEvent } from '../events.js'
import { refuse, type TaskRefusal } from '../refusals.js'
import type { LiveTask } from '../state.js'
import { NOTHING_NEW, unknownStep } from './attempt.js'

export const decideAdmit = (task: LiveTask, command: AdmitStep): Decision<TaskEvent, TaskRefusal> => {
  const { step: name, attempt, kind, key } = command
  const index = task.graph.indexOf.get(name)
  if (index === undefined) return unknownStep(task, name)
  const step = elementAt(task.steps, index, 'steps')
  if (step.status !== 'enqueued' || step.attempts !== attempt || task.phase !== 'running') {
    // It started already with this place: the word of it came twice.
    if (step.status === 'in_progress' && step.attempts === attempt) return NOTHING_NEW
    return refuse('STEP_NOT_READY', `Attempt ${attempt} of step ${name} waits for no key.`, name)
  }
  const gate = keyGate(task, index)
  if (gate?.kind === kind && gate.key === key)
    return { type: 'accepted', events: [{ type: 'step.admitted', step: name, attempt, kind, key }] }
  return NOTHING_NEW
}
