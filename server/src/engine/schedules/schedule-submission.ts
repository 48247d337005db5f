/** The submission that a firing is: the same however often it is sent, so that there is one task of it. */
import { hash } from 'node:crypto'
import { type Firing, type LiveSchedule, taskIdFrom } from '@tasker/core'
import type { Submission } from '../api.js'

const ACTOR = 'schedule'

/** `generation` tells a schedule from one of the same name that was deleted before. */
export const submissionOfFiring = (schedule: LiveSchedule, generation: number, firing: Firing): Submission => {
  const { namespace, name, definition } = schedule
  const { task } = definition
  const key = `schedule/${name}/${generation}/${firing.id}`
  const random = Buffer.from(hash('sha256', `${namespace}\n${key}`, 'hex'), 'hex')
  return {
    requestId: taskIdFrom(firing.firedAt, random),
    namespace,
    name: firing.template,
    version: firing.version,
    context: task.context,
    actor: ACTOR,
    initiator: `schedule ${name}`,
    sourceSystem: undefined,
    reason: firing.by === 'trigger' ? 'triggered by hand' : `fired for ${firing.id}`,
    tags: task.tags,
    priority: task.priority,
    correlationId: key,
    parentCorrelationId: undefined,
    idempotencyKey: key,
    runAt: undefined,
    onDuplicate: 'return',
  }
}
