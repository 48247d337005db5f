/** I26: nothing leaves a server before the log holds it: no command to a worker, no acknowledgement, no answer, no read. */
import { unreachable } from '@tasker/core'
import type { AttemptRef, ResultAck } from '@tasker/server/internal/engine/api'
import { type InvariantOf, type Sent, stepNamed, type Violated } from './invariant.js'
import type { Witness } from '../witness.js'

export const nothingLeavesEarly: InvariantOf = (violated, witness) => ({ sent: (sent) => look(sent, witness, violated) })

const look = (sent: Sent, witness: Witness, violated: Violated): void => {
  switch (sent.type) {
    case 'command': {
      const { taskId, step, attempt } = sent.ref
      const started = witness.tasks
        .get(taskId)
        ?.events.some(({ event }) => event.type === 'step.started' && event.step === step && event.attempt === attempt)
      if (started !== true)
        violated(`I26 attempt ${attempt} of ${step} of ${taskId} leaves for ${sent.to} before the log has its start`, taskId)
      return
    }
    case 'ack':
      return lookAtAck(sent, witness, violated)
    case 'done': {
      const [partition, seq] = sent.token.split(':').map(Number)
      if ((seq ?? 0) > witness.head(partition ?? 0)) violated(`I26 ${sent.token} is answered before the log has it`)
      return
    }
    case 'read': {
      const { taskId, version } = sent
      const there = witness.tasks.get(taskId)?.events.length ?? 0
      if (version > there) violated(`I26 ${taskId} is shown at version ${version}; the log has ${there}`, taskId)
      return
    }
    case 'taken':
    case 'runs':
    case 'begins':
    // Those of durable functions and schedules have invariants of their own.
    case 'signalled':
    case 'scheduled':
    case 'schedules_served':
    case 'told':
    case 'saw':
    case 'took':
      return
    default:
      return unreachable(sent)
  }
}

const lookAtAck = ({ to, ack }: Extract<Sent, { readonly type: 'ack' }>, witness: Witness, violated: Violated): void => {
  if (ack.status !== 'recorded') return
  const { taskId, step, attempt, checkpoint } = ack
  if (checkpoint === 0 ? isOver(ack, witness) : isSaved(ack, witness)) return
  const what = checkpoint === 0 ? 'the end' : `checkpoint ${checkpoint}`
  violated(`I26 ${to} hears that ${what} of attempt ${attempt} of ${step} of ${taskId} is recorded before the log has it`, taskId)
}

const isOver = ({ taskId, step, attempt }: AttemptRef, witness: Witness): boolean => {
  const state = witness.tasks.get(taskId)?.state
  const now = state?.type === 'task' ? stepNamed(state, step) : undefined
  return now !== undefined && !(now.status === 'in_progress' && now.attempts === attempt)
}

const isSaved = ({ taskId, step, attempt, checkpoint }: ResultAck, witness: Witness): boolean =>
  witness.tasks
    .get(taskId)
    ?.events.some(
      ({ event }) =>
        event.type === 'step.checkpointed' && event.step === step && event.attempt === attempt && event.number === checkpoint,
    ) === true
